package testmirror

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/rtbuild/rtbuild/llb"
)

// fetchWheels writes real wheels of a project into a directory. It takes them from PyPI's simple index. files holds their SHA-256 by name.
func fetchWheels(ctx context.Context, dir, project string, files map[string]string) error {
	body, err := Fetch(ctx, llb.PyPI+"/simple/"+project+"/", simpleJSON)
	if err != nil {
		return err
	}
	var page struct {
		Files []struct{ Filename, URL string }
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return fmt.Errorf("reading the page of %s: %w", project, err)
	}
	found := map[string]string{}
	for _, f := range page.Files {
		found[f.Filename] = f.URL
	}
	for name, sum := range files {
		wheel, err := Fetch(ctx, found[name], simpleJSON)
		if err != nil {
			return err
		}
		if digest(wheel) != sum {
			return fmt.Errorf("%s: sha256 %s, want %s", name, digest(wheel), sum)
		}
		if err := os.WriteFile(filepath.Join(dir, name), wheel, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Fetch returns what a URL answers, in one of the media types of accept, or in any if it is empty.
func Fetch(ctx context.Context, url, accept string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s", url, res.Status)
	}
	return io.ReadAll(res.Body)
}
