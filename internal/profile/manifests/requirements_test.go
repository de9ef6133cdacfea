package manifests

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

func TestRequirements(t *testing.T) {
	const notPinned = "is not pinned: pin all with: mv requirements.txt requirements.in && uv pip compile --universal --generate-hashes -o requirements.txt requirements.in"
	const moves = "is not pinned: the contents of its address may change: name a commit by its full hash, such as git+https://HOST/PATH@0123...cdef, or a release"
	const isPath = "is a path, and dependencies are installed without the source: name a package of an index, or a URL, or write -e ./DIRECTORY for a project in the context"
	tests := []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"comments", "\uFEFF# a\n\n  # b\r\n", ""},
		{"pinned", "a==1.0\nb[x,y] == 2 # c\nd===3; python_version < '3'\ne==1,<2\n", ""},
		{"an address", "a @ https://e.com/a.whl\nhttps://e.com/b.tar.gz\n-e git+https://e.com/c@" + commit + "#egg=c\n", ""},
		{"a commit", "a @ git+https://e.com/a@" + commit + "\nb@git+ssh://git@e.com/b.git@" + commit + "#subdirectory=x ; python_version > '3'\nhg+https://e.com/c@" + commit + "\n", ""},
		{"a revision", "svn+https://e.com/a@42#egg=a\nbzr+https://e.com/a@42\nsvn+https://e.com/a@r42#egg=a\n", ""},
		{"a release's archive", "https://e.com/a/archive/v1.2.tar.gz\nhttps://e.com/a/archive/refs/tags/2.zip\nhttps://e.com/a/archive/main.zip#sha256=" + commit + "\n", ""},
		{"a branch", "a==1\na @ git+https://e.com/a@main\n", "requirements.txt:2:1: the requirement \"a @ git+https://e.com/a@main\" " + moves},
		{"a branch that looks like a hash", "a @ git+https://e.com/a@0a0a0a0\n", "requirements.txt:1:1: the requirement \"a @ git+https://e.com/a@0a0a0a0\" " + moves},
		{"no revision", "-e git+https://e.com/a.git#egg=a\n", "requirements.txt:1:1: the requirement \"-e git+https://e.com/a.git#egg=a\" " + moves},
		{"no revision, but a user", "git+ssh://git@e.com/a.git\n", "requirements.txt:1:1: the requirement \"git+ssh://***@e.com/a.git\" " + moves},
		{"a password", "a @ git+https://u:secret@e.com/a@main\n", "requirements.txt:1:1: the requirement \"a @ git+https://***@e.com/a@main\" " + moves},
		{"a password in the line that is shown", "a @ git+https://u:HUNTER2@e.com/a@main # b\n", "requirements.txt:1:1: the requirement \"a @ git+https://***@e.com/a@main\" " + moves + "\na @ git+https://***@e.com/a@main # b\n^"},
		{"a password with an at sign", "a @ git+https://u@corp:HUNTER2@e.com/a@main\n", "requirements.txt:1:1: the requirement \"a @ git+https://***@e.com/a@main\" " + moves},
		{"a token in a query", "a @ git+https://e.com/a?sig=HUNTER2\n", "requirements.txt:1:1: the requirement \"a @ git+https://e.com/a?***\" " + moves},
		{"a tag", "a @ git+https://e.com/a@v1.0.0\n", "requirements.txt:1:1: the requirement \"a @ git+https://e.com/a@v1.0.0\" " + moves},
		{"a branch's archive", "https://e.com/a/archive/refs/heads/v1.tar.gz\n", "requirements.txt:1:1: the requirement \"https://e.com/a/archive/refs/heads/v1.tar.gz\" " + moves},
		{"a branch's archive by its name", "a @ https://e.com/a/archive/main.tar.gz\n", "requirements.txt:1:1: the requirement \"a @ https://e.com/a/archive/main.tar.gz\" " + moves},
		{"a branch with a hash of the file", "https://e.com/a/archive/main.zip --hash=sha256:" + commit + "\n", ""},
		{"a hash", "a>=1 ; os_name == 'nt' \\\n  --hash=sha256:0a \\\n  --hash=sha256:0b\n", ""},
		{"options", "--index-url https://e.com\n-i https://e.com\n--require-hashes\n--pre\n", ""},
		{"a constraint may be loose", "-c c.txt\na==1", ""},
		{"a constraint by another form", "--constraint c.txt\n-cc.txt\n", ""},
		{"a constraint that is a requirement too", "-c c.txt\n-r c.txt\n", "c.txt:1:1: the requirement \"loose\" " + notPinned},
		{"a requirement that is a constraint too", "-r p.txt\n-c p.txt\n", ""},
		{"a name", "  a # b\n", "requirements.txt:1:3: the requirement \"a\" " + notPinned + "\n  a # b\n  ^"},
		{"a range", "b==1\n\na>=1,<2\n", "requirements.txt:3:1: the requirement \"a>=1,<2\" " + notPinned},
		{"a wildcard", "a==1.*", "requirements.txt:1:1: the requirement \"a==1.*\" " + notPinned},
		{"a marker that may not hold", "b==1\na>=1 ; python_version >= '3.13'\n", ""},
		{"several", "b==1\n a\nc>=2\n-r a.txt\n", "requirements.txt:2:2: 3 requirements are not pinned: \"a\", \"c>=2\" (requirements.txt:3), \"loose\" (a.txt:1): pin all with: mv requirements.txt requirements.in && uv pip compile --universal --generate-hashes -o requirements.txt requirements.in"},
		{"a constraint pins it", "A.b\n-c p.txt\n", ""},
		{"a constraint pins another", "-c p.txt\nb\n", "requirements.txt:2:1: the requirement \"b\" " + notPinned},
		{"a constraint pins it for some", "-c m.txt\na\n", "requirements.txt:2:1: the requirement \"a\" " + notPinned},
		{"continued", "\\\n\na \\\n# b\n>=1", "requirements.txt:3:1: 2 requirements are not pinned: \"a\", \">=1\" (requirements.txt:5): pin all with: mv requirements.txt requirements.in && uv pip compile --universal --generate-hashes -o requirements.txt requirements.in"},
		{"editable", "-e .\n--editable=./libs/x[web]\n-e 'libs/y' ; python_version > '3'", ""},
		{"editable outside", "-e ../x", "requirements.txt:1:1: the requirement \"-e ../x\" " + isPath},
		{"editable in a constraint", "-c e.txt", "e.txt:1:1: the requirement \"-e .\" " + isPath},
		{"a directory", "./a", "requirements.txt:1:1: the requirement \"./a\" " + isPath},
		{"a wheel", "a.whl", "requirements.txt:1:1: the requirement \"a.whl\" " + isPath},
		{"included", "-r a.txt", "a.txt:1:1: the requirement \"loose\" " + notPinned},
		{"include that is missing", "\n -r no.txt", "requirements.txt:2:2: the included file \"no.txt\" cannot be read: file does not exist: create it, or remove the line"},
		{"include outside", "-r ../a.txt", "requirements.txt:1:1: the included file \"../a.txt\" is not in the project: copy it into the project"},
		{"include that is fetched", "-r https://e.com/a.txt", "requirements.txt:1:1: the included file \"https://e.com/a.txt\" is not in the project: copy it into the project"},
		{"include with a password", "-r https://u:HUNTER2@e.com/a.txt", "requirements.txt:1:1: the included file \"https://***@e.com/a.txt\" is not in the project: copy it into the project"},
		{"include of an absolute path", "-r '/a.txt'", "requirements.txt:1:1: the included file \"/a.txt\" is not in the project: copy it into the project"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := projecttest.Files("requirements.txt", test.text, "c.txt", "loose", "a.txt", "loose", "p.txt", "a==1\na-b==2", "m.txt", "a==1; os_name == 'nt'", "e.txt", "-e .")
			_, err := ReadRequirements(project, "requirements.txt")
			projecttest.CheckError(t, err, test.want)
			if err != nil && strings.Contains(err.Error(), "HUNTER2") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

// TestConditionalRequirements: only the interpreter knows whether these must be pinned.
func TestConditionalRequirements(t *testing.T) {
	found, err := ReadRequirements(projecttest.Files("requirements.txt", "idna==3.10\naudioop-lts>=0.2.2; python_version >= \"3.13\"\n-r more.txt", "more.txt", "# x\na ; os_name == 'nt'"), "requirements.txt")
	projecttest.CheckError(t, err, "")
	want := []string{`requirements.txt:2: audioop-lts>=0.2.2; python_version >= "3.13"`, "more.txt:2: a ; os_name == 'nt'"}
	if !slices.Equal(found.Conditional, want) {
		t.Errorf("got %q", found.Conditional)
	}
}

// TestLogicalLinesTakeWhatTheyHold shows that a line of very many parts is put together once.
func TestLogicalLinesTakeWhatTheyHold(t *testing.T) {
	const parts = 100_000
	text := strings.Repeat("a\\\n", parts)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	lines := logicalLines(text)
	runtime.ReadMemStats(&after)
	if len(lines) != 1 || len(lines[0].text) != 2*parts-1 || after.TotalAlloc-before.TotalAlloc > 100*parts*uint64(len("a\\\n")) {
		t.Errorf("%d lines, %d bytes allocated", len(lines), after.TotalAlloc-before.TotalAlloc)
	}
}
