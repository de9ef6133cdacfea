package imagediff

// spot is a node, and the number of its layer in the image.
type spot struct {
	*node
	layer int
}

// view is what an image shows at a path.
type view struct {
	image  *Image
	own    []spot // of the layers that are not shared, the topmost first
	shared []spot // of the shared layers that were read, likewise
	sees   bool   // the shared layers show, as far as own says
	open   bool   // layers that were not read show, as far as own and shared say
}

// viewOf is an image's root, of whose layers the first n are shared. The root is there even if no layer has it.
func viewOf(img *Image, n int) view {
	v := view{image: img, own: []spot{{&node{}, len(img.Layers)}}, sees: true}
	for i := len(img.Layers) - 1; i >= 0; i-- {
		root := img.Layers[i].root
		switch {
		case root == nil:
			v.open = true
			return v
		case i < n:
			v.shared = append(v.shared, spot{root, i})
		default:
			v.own = append(v.own, spot{root, i})
		}
	}
	return v
}

// child is what the image shows in the directory that the view is of.
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

// below are the nodes of a name in directories that lie on one another, and whether what lies below them is hidden.
func below(dirs []spot, name string) (spots []spot, closed bool) {
	for _, s := range dirs {
		if child := s.children[name]; child != nil {
			spots = append(spots, spot{child, s.layer})
		}
		if s.opaque {
			return spots, true
		}
	}
	return spots, false
}

// names are all names in directories that lie on one another, and whether what lies below them is hidden.
func names(dirs []spot, into map[string]bool) (closed bool) {
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

// isOwn reports whether the image has something of its own at the path, or below.
func (v view) isOwn() bool { return len(v.own) > 0 }

// entry is what is at the path; nil if nothing is. It is not known if it is as in layers that were not read.
func (v view) entry() (e *Entry, known bool) {
	within := false // something is put into it, so it is a directory
	for _, spots := range [][]spot{v.own, v.shared} {
		for _, s := range spots {
			if s.entry == nil && s.link == "" && !s.gone {
				within = true
				continue
			}
			e, known = v.image.entryOf(s)
			if within && (e == nil || e.Type != Directory) {
				e = unseen
			}
			return e, known
		}
	}
	if within && !v.open {
		return unseen, true
	}
	return nil, !v.open
}

// entryOf is what a layer has put at a path; nil if it has taken away what was there.
func (img *Image) entryOf(s spot) (e *Entry, known bool) {
	switch {
	case s.entry != nil:
		return s.entry, true
	case s.link != "":
		return img.linked(s)
	case s.children != nil:
		return unseen, true
	}
	return nil, true
}

// linked is the file in the layers below that a hard link is to.
func (img *Image) linked(s spot) (e *Entry, known bool) {
	at := viewOf(&Image{Layers: img.Layers[:s.layer]}, 0)
	for _, name := range components(s.link) {
		at = at.child(name)
	}
	if e, known = at.entry(); known && e == nil {
		e = &Entry{Type: BrokenLink, Target: s.link}
	}
	return e, known
}
