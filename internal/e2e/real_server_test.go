//go:build openhands

package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serverCommand is how OpenHands starts its server (get_action_execution_server_startup_command).
const serverCommand = "/openhands/micromamba/bin/micromamba run -n openhands poetry run python -u -m openhands.runtime.action_execution_server %s " +
	"--working-dir /workspace --plugins agent_skills jupyter vscode --username openhands --user-id 1000"

// testReleaseServer starts the server of an image, and lets it act.
func testReleaseServer(t *testing.T, ref string) {
	url := startServer(t, ref)
	if got := call(t, "GET", url+"/alive", ""); got != `{"status":"`+aliveEdit+`"}` {
		t.Errorf("/alive answers %s", got)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, browsedPage) }))
	t.Cleanup(site.Close)
	const file = "/workspace/note.txt"
	for _, test := range []struct {
		action string
		args   map[string]any
		want   []string // parts of the observation's content
	}{
		{"run", map[string]any{"command": "echo hi; id; pwd"}, []string{"hi", "uid=1000(openhands)", "(sudo)", "/workspace"}},
		{"run", map[string]any{"command": "sudo -n id -un && git config user.email && uv --version && $OH_INTERPRETER_PATH -c 'import playwright; print(1)'"},
			[]string{"root", "openhands@all-hands.dev", "uv 0."}},
		{"run_ipython", map[string]any{"code": "import sys; print(6 * 7, sys.prefix)"}, []string{"42 /openhands/poetry/openhands-ai-"}},
		{"edit", map[string]any{"path": file, "command": "create", "file_text": "one\ntwo\n"}, []string{"File created successfully"}},
		{"edit", map[string]any{"path": file, "command": "str_replace", "old_str": "two", "new_str": "three"}, []string{"has been edited", "three"}},
		{"read", map[string]any{"path": file}, []string{"one\nthree"}},
		{"browse", map[string]any{"url": site.URL}, []string{"A page of the tests", "漢字"}},
	} {
		got := act(t, url, test.action, test.args)
		for _, want := range test.want {
			if !strings.Contains(got.Content, want) {
				t.Errorf("%s %v: %q lacks %q", test.action, test.args, got.Content, want)
			}
		}
		if test.action == "browse" {
			checkPicture(t, got.Extras.Screenshot)
		}
	}
}

// startServer runs the server in a container until the test ends, and returns its URL.
func startServer(t *testing.T, ref string) string {
	t.Helper()
	port := freePort(t)
	args := append([]string{
		ref, filepath.Join(t.TempDir(), "container"), "VSCODE_PORT=" + freePort(t), "LOG_JSON=1", "--", // else uvicorn does not say that it listens
	}, strings.Fields(fmt.Sprintf(serverCommand, port))...)
	server := exec.CommandContext(t.Context(), "../../hack/run-image", args...)
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) } // removes the container
	out := must(server.StdoutPipe())(t)
	server.Stderr = server.Stdout
	begin := time.Now()
	must(0, server.Start())(t)
	var log strings.Builder
	listens, ended := make(chan bool, 1), make(chan bool)
	go func() {
		defer close(ended)
		for lines := bufio.NewReader(out); ; {
			line, err := lines.ReadString('\n')
			log.WriteString(line)
			if strings.Contains(line, "Uvicorn running on http://0.0.0.0:"+port) {
				listens <- true
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { // the context is done, so the server ends
		<-ended
		if err := server.Wait(); t.Failed() {
			t.Logf("%v\n%s", err, log.String())
		}
	})
	select {
	case <-listens:
	case <-ended:
		t.Fatal("the server ended before it listened")
	}
	t.Logf("the server listens after %.1f s", time.Since(begin).Seconds())
	return "http://127.0.0.1:" + port
}

// observation is what the server answers to an action.
type observation struct {
	Observation, Content string
	Extras               struct{ Screenshot string }
}

// act lets the server act. On a busy machine, the server may take the prompt before a command for the one after it, and answer nothing
// (bash.py, condition 2). Then the command is run again.
func act(t *testing.T, url, action string, args map[string]any) (got observation) {
	t.Helper()
	body := must(json.Marshal(map[string]any{"action": map[string]any{"action": action, "args": args}}))(t)
	for tries := 0; tries < 5 && got.Content == ""; tries++ {
		answer := call(t, "POST", url+"/execute_action", string(body))
		if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Observation == "" || got.Observation == "error" {
			t.Errorf("%s %v: %s", action, args, answer)
		}
	}
	return got
}

// browsedPage has a background whose color a picture must have, and text that only the image's fonts can show.
const browsedPage = `<!DOCTYPE html><html><head><meta charset="utf-8"><title>A page of the tests</title></head>
<body style="background: #1e90ff; font-size: 48px"><h1>A page of the tests</h1><p>漢字 かな 한글 ไทย 😀🎉</p></body></html>`

// checkPicture checks that a picture shows the page.
func checkPicture(t *testing.T, address string) {
	t.Helper()
	data := must(base64.StdEncoding.DecodeString(strings.TrimPrefix(address, "data:image/png;base64,")))(t)
	file := filepath.Join(t.ArtifactDir(), "browsed.png")
	must(0, os.WriteFile(file, data, 0o644))(t)
	picture := must(png.Decode(bytes.NewReader(data)))(t)
	size, blue := picture.Bounds(), 0
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			if color.NRGBAModel.Convert(picture.At(x, y)) == (color.NRGBA{0x1e, 0x90, 0xff, 0xff}) {
				blue++
			}
		}
	}
	if all := size.Dx() * size.Dy(); blue < all/2 || blue > all*99/100 {
		t.Errorf("%d of %d pixels have the color of the page: see %s (go test -artifacts)", blue, all, file)
	}
}
