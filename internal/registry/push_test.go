package registry

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

func TestCheckPush(t *testing.T) {
	begin := func(location string, cancelled int) func(w http.ResponseWriter, r *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodDelete {
				w.WriteHeader(cancelled)
				return true
			}
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(http.StatusAccepted)
			return true
		}
	}
	const post = "POST blobs/uploads/"
	tests := []struct {
		name     string
		before   func(w http.ResponseWriter, r *http.Request) bool
		err      error
		text     string
		requests string
	}{
		{name: "granted", before: begin("/v2/"+repo+"/blobs/uploads/1?state=2", 204), requests: post + ", DELETE blobs/uploads/1"},
		{name: "granted, relative", before: begin("1", 204), requests: post + ", DELETE blobs/uploads/1"},
		{name: "granted, no cancelling", before: begin("/v2/"+repo+"/blobs/uploads/1", 405), requests: post + ", DELETE blobs/uploads/1"},
		{name: "granted, no location", before: begin("", 204), requests: post},
		{name: "granted, elsewhere", before: begin("https://storage.invalid/1", 204), requests: post},
		{name: "denied", before: answers(403), err: ErrDenied, text: "403 Forbidden; no credentials found", requests: post},
		{name: "no such project", err: ErrDenied, text: "404 Not Found: no project; create the repository or its project there first", requests: post,
			before: func(w http.ResponseWriter, _ *http.Request) bool {
				refuse(w, 404, "NAME_UNKNOWN", "no project")
				return true
			}},
		{name: "read-only", before: answers(405), err: ErrDenied, text: "read-only", requests: post},
		{name: "throttled", before: answers(429), err: ErrThrottled, requests: strings.Repeat(post+", ", 3) + post},
		{name: "failing", before: answers(500), err: ErrUnreachable, requests: strings.Repeat(post+", ", 3) + post},
		{name: "a page", before: answers(200), err: ErrBroken, text: "unexpected status 200", requests: post},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.before = tt.before
			f.Start()
			c, _ := newClient(t, Options{})
			err := c.CheckPush(context.Background(), f.host()+"/"+repo)
			if tt.err != nil {
				wantFault(t, err, tt.err)
				wantFirstLine(t, err, "checking the right to push to "+f.host()+"/"+repo+": ", tt.text)
			} else if err != nil {
				t.Error(err)
			}
			wantRequests(t, f, strings.Split(tt.requests, ", ")...)
		})
	}
}

func TestCheckPushScope(t *testing.T) {
	k := newTokens(t)
	inner := k.before
	k.before = func(w http.ResponseWriter, r *http.Request) bool {
		if inner(w, r) {
			return true
		}
		w.WriteHeader(http.StatusAccepted)
		return true
	}
	c, _ := newClient(t, Options{})
	if err := c.CheckPush(context.Background(), k.host()+"/"+repo); err != nil {
		t.Fatal(err)
	}
	if len(k.scopes) != 1 || !strings.Contains(k.scopes[0], "repository:"+repo+":pull,push") {
		t.Errorf("tokens for %q", k.scopes)
	}
}

func TestCheckPushInvalid(t *testing.T) {
	c, _ := newClient(t, Options{})
	if err := c.CheckPush(context.Background(), "host/UPPER"); err == nil || !strings.Contains(err.Error(), "checking the right to push to") {
		t.Errorf("got %v", err)
	}
}
