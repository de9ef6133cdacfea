package migrate

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// account is a user that a Dockerfile makes. What it does not say is empty.
type account struct{ uid, group string }

// option returns the value of an option, or "". Options of one letter may stand together.
func option(words []string, short, long string) string {
	for i, word := range words {
		if value, given := strings.CutPrefix(word, long+"="); given {
			return value
		}
		together := short != "" && strings.HasPrefix(word, "-") && !strings.HasPrefix(word, "--") && strings.HasSuffix(word, short)
		if (word == long || together) && i+1 < len(words) {
			return words[i+1]
		}
	}
	return ""
}

// makesUser keeps the name, the id and the group of a user. The letters of useradd and adduser differ.
func makesUser(r *reader, s statement, words []string) string {
	valued := []string{"-u", "--uid", "-g", "--gid", "-G", "--groups", "--ingroup", "-d", "-h", "--home", "-s", "--shell", "-c", "--comment", "--gecos", "-k", "-b"}
	group := option(words, "g", "--gid")
	if path.Base(s.words[0]) == "adduser" {
		group = option(words, "G", "--ingroup")
		if gid := option(words, "", "--gid"); gid != "" {
			group = gid
		}
	}
	named := positional(words, valued...)
	if len(named) == 0 || len(named) > 1 && r.users[named[0]] != (account{}) {
		return "" // it adds a user to a group
	}
	r.users[named[0]] = account{option(words, "u", "--uid"), group}
	return ""
}

// makesGroup keeps the name and the id of a group.
func makesGroup(r *reader, _ statement, words []string) string {
	if named := positional(words, "-g", "--gid", "-K"); len(named) == 1 {
		r.gids[named[0]] = option(words, "g", "--gid")
	}
	return ""
}

// finishUser sets the user. A Dockerfile without USER runs as root, and so does one that ends with USER root.
func (r *reader) finishUser() {
	name, group, _ := strings.Cut(r.user, ":")
	why := "USER, line " + strconv.Itoa(r.userLine) + " of " + r.source
	id, err := strconv.Atoi(name)
	switch {
	case r.userLeft:
	case name == "":
		r.notes = append(r.notes, "it sets no USER, so its containers run as root. Here they run as agent; user: root keeps root.")
	case name == runtimefile.RootUser, err == nil && id == 0:
		r.set("user", runtimefile.RootUser, why)
	case err == nil:
		user := map[string]int{"uid": id, "gid": id}
		if gid := r.number(group); gid > 0 {
			user["gid"] = gid
		}
		r.set("user", user, why)
	default:
		user := map[string]any{"name": name}
		made := r.users[name]
		if uid := r.number(made.uid); uid > 0 {
			user["uid"] = uid
		}
		for _, group := range []string{group, made.group, name} {
			if gid := r.number(group); gid > 0 {
				user["gid"] = gid
				break
			}
		}
		r.set("user", user, why)
	}
}

// number returns an id, or that of a group that the Dockerfile makes, or 0.
func (r *reader) number(text string) int {
	for _, text := range []string{text, r.gids[text]} {
		if id, err := strconv.Atoi(text); err == nil {
			return id
		}
	}
	return 0
}

// quiet are options of package managers of Node.js that change nothing of what rtbuild installs.
var quiet = strings.Fields("omit production prod only P frozen-lockfile immutable audit fund prefer-offline offline cache loglevel silent s quiet q progress verbose d " +
	"network-timeout non-interactive update-notifier inline-builds check-cache save unsafe-perm store-dir no-cache no-audit no-fund no-progress no-update-notifier no-save color no-color location global g")

// installOptions adds the options of an installation that change what is installed. npm reads them from variables, too.
func (r *reader) installOptions(manager string, words []string) {
	for i, word := range words {
		name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if given = given || value != ""; !given && name == "registry" && i+1 < len(words) {
			value, given = words[i+1], true
		}
		positive, no := strings.CutPrefix(name, "no-")
		switch {
		case !strings.HasPrefix(word, "-") || name == "":
		case name == "include" && !r.final: // a build has them
		case name == "include" || name == "production" && value == "false":
			if r.final {
				r.leave(r.line, oneLine(word), "the image has no dependencies for development: if it needs them, write dependencies: {env: {NODE_ENV: development}}")
			}
		case strings.Contains(word, "optional"):
			r.leave(r.line, oneLine(word), "no field leaves out optional dependencies")
		case slices.Contains(quiet, name):
		case manager != "npm" || !strings.HasPrefix(word, "--"):
			r.leave(r.line, manager+" "+oneLine(word), "no field has this option: write it into a file of settings, such as .npmrc")
		default:
			if !given {
				value = strconv.FormatBool(!no)
			}
			r.forInstallation("npm_config_"+strings.ReplaceAll(positive, "-", "_"), value)
		}
	}
}
