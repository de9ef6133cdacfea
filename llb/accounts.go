package llb

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/moby/sys/user"
)

// Accounts are the users and groups of a base image. With them, the owner of all files is known before the build starts. So downloads can
// be unpacked in parallel with the step that makes the user.
type Accounts struct {
	users  []user.User
	groups []user.Group
}

// ParseAccounts reads an /etc/passwd and an /etc/group. Either may be empty.
func ParseAccounts(passwd, group []byte) (Accounts, error) {
	users, err := user.ParsePasswd(bytes.NewReader(passwd))
	if err != nil {
		return Accounts{}, fmt.Errorf("reading /etc/passwd: %w", err)
	}
	groups, err := user.ParseGroup(bytes.NewReader(group))
	if err != nil {
		return Accounts{}, fmt.Errorf("reading /etc/group: %w", err)
	}
	return Accounts{users, groups}, nil
}

// leftovers are users of well-known base images that may be deleted to free their ids.
var leftovers = []string{"pn", "ubuntu"}

// Owner returns the ids of the runtime's user: its ids in the base, else the wanted ids, else the next free ones.
func (a Accounts) Owner(u User) Owner {
	if u.Name == "root" {
		return Owner{}
	}
	if has, ok := a.user(u.Name); ok {
		return Owner{has.Uid, has.Gid}
	}
	rest := a.without(a.leftovers(u))
	owner := Owner{UID: u.UID, GID: u.GID}
	for slices.ContainsFunc(rest.users, func(has user.User) bool { return has.Uid == owner.UID }) {
		owner.UID++
	}
	if has, ok := rest.group(u.Name); ok {
		owner.GID = has.Gid
		return owner
	}
	for slices.ContainsFunc(rest.groups, func(has user.Group) bool { return has.Gid == owner.GID }) {
		owner.GID++
	}
	return owner
}

// leftovers returns the deletable users and groups of the base that hold an id that the runtime's user wants.
func (a Accounts) leftovers(u User) []string {
	var names []string
	for _, name := range leftovers {
		if has, ok := a.user(name); ok && name != u.Name && has.Uid == u.UID {
			names = append(names, name)
			continue
		}
		if has, ok := a.group(name); ok && name != u.Name && has.Gid == u.GID {
			names = append(names, name)
		}
	}
	return names
}

func (a Accounts) without(names []string) Accounts {
	return Accounts{
		slices.DeleteFunc(slices.Clone(a.users), func(u user.User) bool { return slices.Contains(names, u.Name) }),
		slices.DeleteFunc(slices.Clone(a.groups), func(g user.Group) bool { return slices.Contains(names, g.Name) }),
	}
}

func (a Accounts) user(name string) (user.User, bool) {
	for _, u := range a.users {
		if u.Name == name {
			return u, true
		}
	}
	return user.User{}, false
}

func (a Accounts) group(name string) (user.Group, bool) {
	for _, g := range a.groups {
		if g.Name == name {
			return g, true
		}
	}
	return user.Group{}, false
}
