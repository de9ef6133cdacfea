package imagediff

// layerNode is a node, and the number of its layer in the image.
type layerNode struct {
	*node
	layer int
}

// view is a path of an image, with the nodes of all layers that have it.
type view struct {
	image  *Image
	own    []layerNode // of the layers that are not shared, the topmost first
	shared []layerNode // of the shared layers that were read, the topmost first
	sees   bool        // own does not hide the shared layers
	open   bool        // own and shared do not hide the unread layers
}

// viewOf returns the view of an image's root. The image's first n layers are shared. The root exists even if no layer has it.
func viewOf(img *Image, n int) view {
	v := view{image: img, own: []layerNode{{&node{}, len(img.Layers)}}, sees: true}
	for i := len(img.Layers) - 1; i >= 0; i-- {
		root := img.Layers[i].root
		switch {
		case root == nil:
			v.open = true
			return v
		case i < n:
			v.shared = append(v.shared, layerNode{root, i})
		default:
			v.own = append(v.own, layerNode{root, i})
		}
	}
	return v
}

// child returns the view of an entry of the view's directory.
func (v view) child(name string) view {
	c := view{image: v.image}
	own, closed := below(v.own, name)
	c.own = own
	if closed || !v.sees {
		return c
	}
	c.sees = true
	c.shared, closed = below(v.shared, name)
	c.open = v.open && !closed
	return c
}

// below returns the nodes of a name in stacked directories, and whether they hide the layers below.
func below(dirs []layerNode, name string) (spots []layerNode, closed bool) {
	for _, s := range dirs {
		if child := s.children[name]; child != nil {
			spots = append(spots, layerNode{child, s.layer})
		}
		if s.opaque {
			return spots, true
		}
	}
	return spots, false
}

// names adds the names in stacked directories to into, and reports whether they hide the layers below.
func names(dirs []layerNode, into map[string]bool) (closed bool) {
	for _, s := range dirs {
		for name := range s.children {
			into[name] = true
		}
		if s.opaque {
			return true
		}
	}
	return false
}

// isOwn reports whether a layer that is not shared has the path.
func (v view) isOwn() bool { return len(v.own) > 0 }

// entry returns the entry at the path, or nil if there is none. It is unknown if it depends on unread layers.
func (v view) entry() (e *Entry, known bool) {
	within := false // a layer puts something below the path, so it is a directory
	for _, spots := range [][]layerNode{v.own, v.shared} {
		for _, s := range spots {
			if s.entry == nil && s.link == "" && !s.gone {
				within = true
				continue
			}
			e, known = v.image.entryOf(s)
			if within && (e == nil || e.Type != Directory) {
				e = implied
			}
			return e, known
		}
	}
	if within && !v.open {
		return implied, true
	}
	return nil, !v.open
}

// entryOf returns the entry that a layer puts at a path, or nil if the layer removes the path.
func (img *Image) entryOf(s layerNode) (e *Entry, known bool) {
	switch {
	case s.entry != nil:
		return s.entry, true
	case s.link != "":
		return img.linked(s)
	case s.children != nil:
		return implied, true
	}
	return nil, true
}

// linked returns the target of a hard link into the layers below.
func (img *Image) linked(s layerNode) (e *Entry, known bool) {
	at := viewOf(&Image{Layers: img.Layers[:s.layer]}, 0)
	for _, name := range components(s.link) {
		at = at.child(name)
	}
	if e, known = at.entry(); known && e == nil {
		e = &Entry{Type: BrokenLink, Target: s.link}
	}
	return e, known
}
