package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"path"
	"runtime"
	"strings"
	"sync"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// unreachable is the address of the package repositories in the bases. The host does not exist, so the packages must come from a
// mirror.
const unreachable = "http://packages.invalid/main"

// rpmDistros lists distributions whose package managers are also in Debian.
var rpmDistros = []struct {
	testenv.RPMDistro
	accounts string   // the package of useradd and similar programs, which a base may lack
	missing  string   // the manager's message about a package that it does not find
	state    []string // the manager's own files
}{
	{
		testenv.RPMDistro{
			Name: "fedora", Manager: "dnf", Sources: "/etc/yum.repos.d",
			OSRelease: "ID=fedora\nVERSION_ID=42\nPRETTY_NAME=\"Fedora Linux 42\"\n",
		},
		"shadow-utils", "Unable to find a match: no-such-package", nil,
	},
	{
		testenv.RPMDistro{
			Name: "opensuse", Manager: "zypper", Sources: "/etc/zypp/repos.d",
			OSRelease: "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"\nPRETTY_NAME=\"openSUSE Leap 15.6\"\n",
		},
		"shadow", "'no-such-package' not found", []string{"/var/lib/zypp", "/var/lib/YaST2"},
	},
}

// packages lists the packages of every rpm repository here. Each contains only a file that shows that it is installed.
var packages = []string{"git", "jq", "python3", "shadow", "shadow-utils"}

// makeRPMs creates a repository of packages, and returns its directory.
func makeRPMs(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := testenv.MakeRPMs(t.Context(), dir, packages...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// rpmRepository serves packages, and records requests.
type rpmRepository struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

// serveRPMs serves a repository, with HTTPS if there is a certificate.
func serveRPMs(t *testing.T, dir string, certificates ...tls.Certificate) *rpmRepository {
	t.Helper()
	r := &rpmRepository{asked: map[string]int{}}
	files := http.FileServer(http.Dir(dir))
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		r.asked[path.Base(request.URL.Path)]++
		r.mu.Unlock()
		files.ServeHTTP(w, request)
	}))
	if len(certificates) == 0 {
		r.Start()
	} else {
		r.TLS = &tls.Config{Certificates: certificates, MinVersion: tls.VersionTLS12}
		r.StartTLS()
	}
	t.Cleanup(r.Close)
	return r
}

// gave reports whether a package was downloaded.
func (r *rpmRepository) gave(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[name+".rpm"] > 0
}

// onRPMs returns a project without dependencies, on a base whose packages come from a mirror.
func onRPMs(t *testing.T, mirror string, lines ...string) *project {
	t.Helper()
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + strings.ToLower(t.Name())}
	write(t, p.dir, "agent.py", "print('here')\n")
	write(t, p.dir, "runtime.yaml", strings.Join(append([]string{
		"profile: python", "dependencies: {manager: none}", "cmd: [python3, agent.py]",
		"network: {mirrors: {'" + unreachable + "': '" + mirror + "'}}",
	}, lines...), "\n")+"\n")
	return p
}

// TestRPMManagers runs the system stage with the real dnf and the real zypper, each on a base without another manager.
func TestRPMManagers(t *testing.T) {
	t.Parallel()
	rpms, second := makeRPMs(t), freshBuilder(t, testenv.BuilderOptions{})
	for _, distro := range rpmDistros {
		t.Run(distro.Manager, func(t *testing.T) {
			repository := serveRPMs(t, rpms)
			base := must(env.registry.PushRPMBase(t.Context(), distro.RPMDistro, unreachable))(t)
			p := onRPMs(t, repository.URL, "packages: [git, jq]")
			p.solve(t, "--base-image", base)
			made := p.plan(t, "--base-image", base)
			before, files := tree(t, base), tree(t, made.Images.Source)

			t.Run("installs", func(t *testing.T) {
				for _, name := range []string{"git", "jq", "python3", distro.accounts} {
					if _, ok := files[testenv.RPMFile(name)]; !ok || !repository.gave(name) {
						t.Errorf("%s is not installed", name)
					}
				}
				if home := files["/home/agent"]; home.UID != 1000 || home.GID != 1000 {
					t.Errorf("the user's home is %+v", home)
				}
			})
			t.Run("leaves nothing behind", func(t *testing.T) {
				expected := append([]string{
					"/usr/share/stand-ins", "/var/lib/rpm", "/home/agent", "/agent",
					"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid",
				}, distro.state...)
				for name, entry := range files {
					if entry != before[name] && !within(name, expected) {
						t.Errorf("%s is not as in the base: %+v", name, entry)
					}
				}
			})
			t.Run("keeps its repositories", func(t *testing.T) {
				name := path.Join(distro.Sources, "packages.repo")
				if files[name] != before[name] {
					t.Errorf("%s was %+v and is %+v", name, before[name], files[name])
				}
			})
			t.Run("is the same again", func(t *testing.T) {
				again := *p
				again.repository += "-again"
				again.solve(t, "--base-image", base, "--addr", second.Addr)
				sameTree(t, files, tree(t, again.plan(t, "--base-image", base).Images.Source))
			})
			t.Run("package that does not exist", func(t *testing.T) {
				p := onRPMs(t, repository.URL, "packages: [no-such-package]")
				if res := p.fails(t, 1, "", "--base-image", base); !strings.Contains(res.stderr, distro.missing) {
					t.Errorf("the manager's own message %q is not in\n%s", distro.missing, res.stderr)
				}
				p.unpublished(t, "--base-image", base)
			})
		})
	}
}

// within reports whether a name is in dirs, or below one of them.
func within(name string, dirs []string) bool {
	for _, dir := range dirs {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			return true
		}
	}
	return false
}

// TestRPMManagerPrivateCA installs packages over HTTPS, from a server with an authority that only --ca-file names.
func TestRPMManagerPrivateCA(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "private")
	certificate := must(ca.Certificate(x509.ExtKeyUsageServerAuth))(t)
	rpms := makeRPMs(t)
	for _, distro := range rpmDistros {
		t.Run(distro.Manager, func(t *testing.T) {
			repository := serveRPMs(t, rpms, certificate)
			base := must(env.registry.PushRPMBase(t.Context(), distro.RPMDistro, unreachable))(t)
			p := onRPMs(t, repository.URL, "packages: [git]")
			p.fails(t, 1, "", "--base-image", base)
			p.solve(t, "--base-image", base, "--ca-file", ca.File)
			if !repository.gave("git") {
				t.Error("git did not come from the mirror")
			}
		})
	}
}

// TestNoManager checks a base without a supported package manager, and the remedies of the error.
func TestNoManager(t *testing.T) {
	t.Parallel()
	const (
		unknown = "ID=plan9\nPRETTY_NAME=\"Plan 9\"\n"
		fedora  = "ID=fedora\nVERSION_ID=42\nPRETTY_NAME=\"Fedora Linux 42\"\n"
	)
	debian := must(testenv.Base(t.Context()))(t)
	push := func(tag, osRelease string, layers ...testenv.Blob) string {
		layers = append(layers, layerOf(t, map[string]string{"etc/os-release": osRelease}))
		config := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}}
		if _, err := env.registry.PushImage(t.Context(), "nomanager", tag, config, layers...); err != nil {
			t.Fatal(err)
		}
		return env.registry.Host + "/nomanager:" + tag
	}
	const offer = "set packages: []"
	tests := []struct {
		name, base string
		lines      []string
		want       []string // in the error; empty for success
	}{
		{"unknown distribution", push("unknown", unknown, debian), []string{"packages: [git]"},
			[]string{"the base image is Plan 9 (os-release ID=plan9) and has no package manager", offer}},
		{"without the program", push("fedora", fedora, debian), []string{"packages: [git]"},
			[]string{"the base image is Fedora Linux 42 (os-release ID=fedora) and has no package manager", offer}},
		{"no packages", push("unknown", unknown, debian), []string{"packages: []", "user: root"}, nil},
		{"no packages, with a user", push("fedora", fedora, debian), []string{"packages: []"}, nil},
		{"no shell", push("noshell", fedora), []string{"packages: []", "user: root"},
			[]string{"nomanager:noshell (Fedora Linux 42) has no /bin/sh"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := onRPMs(t, unreachable+"/mirror", tt.lines...)
			p.repository = env.registry.Host + "/nomanager-runtime"
			if len(tt.want) == 0 {
				p.solve(t, "--base-image", tt.base)
				if _, ok := tree(t, p.plan(t, "--base-image", tt.base).Images.Source)["/agent/code/agent.py"]; !ok {
					t.Error("the source is not in the image")
				}
				return
			}
			res := p.fails(t, 1, tt.want[0], "--base-image", tt.base)
			for _, text := range tt.want {
				if !strings.Contains(res.stderr, text) {
					t.Errorf("%q is not in %s", text, res.stderr)
				}
			}
			p.unpublished(t, "--base-image", tt.base)
		})
	}
}
