package registry

import (
	"context"
	"fmt"
	"net/http"
	"testing"
)

func TestPlainHTTP(t *testing.T) {
	f := started(t)
	f.image(amd64, "it")
	name := nonLoopback(f)
	toml := fmt.Sprintf("server = \"http://%s\"\n", name)
	tests := []struct {
		name, registry, toml string
		err                  error
	}{
		{name: "loopback", registry: f.host()},
		{name: "elsewhere", registry: name, err: ErrUnreachable},
		{name: "elsewhere by hosts.toml", registry: name, toml: toml},
		{name: "elsewhere by hosts.toml, with TLS options", registry: name, toml: toml + "skip_verify = true\n"},
		{name: "hosts.toml says https", registry: "registry.invalid", toml: fmt.Sprintf("server = \"https://%s\"\n", name), err: ErrUnreachable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opt := Options{}
			if tt.toml != "" {
				opt.ConfigDir = configDir(t, tt.registry, tt.toml)
			}
			c, _ := newClient(t, opt)
			_, err := c.Lookup(context.Background(), tt.registry+"/"+repo+":it", amd64)
			if tt.err == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFault(t, err, tt.err)
			wantFirstLine(t, err, "HTTP response to HTTPS client", `server = "http://`+name+`"`, "--registry-config")
		})
	}
}

// TestPlainHTTPByRedirect has a registry that redirects to plain HTTP on another host.
func TestPlainHTTPByRedirect(t *testing.T) {
	target := started(t)
	f := newFake(t)
	f.before = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, "http://"+nonLoopback(target)+r.URL.Path, http.StatusFound)
		return true
	}
	f.Start()
	c, _ := newClient(t, Options{})
	_, err := c.Lookup(context.Background(), f.ref("it"), amd64)
	wantFault(t, err, ErrUnreachable)
	wantFirstLine(t, err, errPlain.Error())
	if len(target.asked()) != 0 {
		t.Errorf("the target was asked %v", target.asked())
	}
}
