package llb

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// awkward are texts that shells and sed take for something else than themselves.
var awkward = []string{
	"", " ", "plain", "it's", `'`, `''`, `"`, `\`, `\'`, "$(touch /tmp/x)", "`id`", "${IFS}", "a b", "a\nb", "\n", "EOF\n", "-n", "*", "~", "#", "a#b", "!", "&",
	"|", "a|b", "[a]", "^a$", ".", "a.b", `\1`, `a\nb`, "\t", "\xff\xfe", "é", "=", "A=b", "%s", "{a,b}", "https://a.example/$(touch${IFS}/agent/pwned)/simple",
}

// output gives what a program writes, in the locale of a build's step.
func output(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Stdin = []string{"PATH=/usr/bin:/bin", "LC_ALL=C"}, strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %q: %v: %s", name, args, err, stderr.Bytes())
	}
	return string(out)
}

// FuzzShellQuote: the shell gives back the very bytes, in an argument, in the value of a variable and joined to a constant.
func FuzzShellQuote(f *testing.F) {
	for _, text := range awkward {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\x00") || len(text) > 1<<16 {
			t.Skip("no argument holds it")
		}
		word := shellQuote(text)
		script := "value=" + word + "\nprintf '%s\\0' " + word + ` "$value" /prefix/` + word + `/end "` + "in quotes:\"" + word + "\n"
		want := text + "\x00" + text + "\x00/prefix/" + text + "/end\x00in quotes:" + text + "\x00"
		if got := output(t, "", "/bin/sh", "-c", script); got != want {
			t.Errorf("%q as %s is %q", text, word, got)
		}
		file := t.TempDir() + "/file"
		if got := output(t, "", "/bin/sh", "-c", writeFile(file, text)+"cat "+file); got != text {
			t.Errorf("a file of %q holds %q", text, got)
		}
	})
}

// FuzzSedReplace: sed replaces the text wherever it stands, and nothing else.
func FuzzSedReplace(f *testing.F) {
	for i, text := range awkward {
		f.Add(text, awkward[len(awkward)-1-i], "before "+text+" between"+text)
	}
	f.Add("https://pypi.org", "https://m.example/a&b|c", "https://pypi.org/simple https://pypixorg")
	f.Fuzz(func(t *testing.T, text, by, line string) {
		if text == "" || strings.ContainsAny(text+line, "\x00\n") || strings.Contains(by, "\x00") {
			t.Skip("no address, and not one line")
		}
		want := strings.ReplaceAll(line, text, by)
		if got := output(t, line, "sed", sedReplace(text, by)); got != want {
			t.Errorf("%q by %q in %q is %q, want %q", text, by, line, got, want)
		}
	})
}

// FuzzCacheID: two lists of names never give one id.
func FuzzCacheID(f *testing.F) {
	f.Add("docker.io/library", "apt", "docker.io", "library/apt")
	f.Add("a/b", "c", "a%2Fb", "c")
	f.Add("", "a", "a", "")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		if same := a == c && b == d; same != (cacheID(a, b) == cacheID(c, d)) {
			t.Errorf("%q, %q is %s; %q, %q is %s", a, b, cacheID(a, b), c, d, cacheID(c, d))
		}
	})
}

func TestPAMQuote(t *testing.T) {
	tests := []struct {
		value, want string
		ok          bool
	}{
		{"plain/value:1", "plain/value:1", true},
		{"", "", true},
		{"two words", "'two words'", true},
		{"it's on", `"it's on"`, true},
		{`it's "on"`, "", false},
		{"it's $(id)", "", false},
		{"$(id)", "'$(id)'", true},
		{`"quoted"`, `'"quoted"'`, true},
		{`'quoted'`, `"'quoted'"`, true},
		{`ends with \`, `'ends with \'`, true},
		{"a # b", "", false},
		{"two\nlines", "", false},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			got, ok := pamQuote(test.value)
			if got != test.want || ok != test.ok {
				t.Errorf("%s, %v, want %s, %v", got, ok, test.want, test.ok)
			}
			if said := output(t, "", "/bin/sh", "-c", "A="+got+"\nprintf %s \"$A\""); ok && said != test.value {
				t.Errorf("a shell takes it for %q", said)
			}
		})
	}
}
