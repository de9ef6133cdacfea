package solve

import (
	"archive/tar"
	"context"
	"io"
	"os"

	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/moby/buildkit/client"
)

// directoryExport writes the image's files into a directory, into what is there already, as BuildKit's local exporter does.
//
// It takes BuildKit's tar exporter: the local one asks for file after file on the stream on which they come, and with some
// thousand files both sides end up waiting for each other. In golang.org/x/net's HTTP/2 server, which is the session's on
// our side, a stream's window updates queue behind its data, so a blocked request blocks the answers to all before it.
func directoryExport(dest string, attrs map[string]string) Export {
	return Export{
		ExportEntry: client.ExportEntry{Type: client.ExporterTar, Attrs: attrs, Output: func(map[string]string) (io.WriteCloser, error) {
			if err := os.MkdirAll(dest, 0o755); err != nil {
				return nil, err
			}
			return unpack(dest), nil
		}},
		kind: client.ExporterLocal,
	}
}

// unpacker is a pipe at whose other end an archive is unpacked.
type unpacker struct {
	*io.PipeWriter
	done chan error
}

func unpack(dest string) *unpacker {
	r, w := io.Pipe()
	u := &unpacker{w, make(chan error, 1)}
	go func() {
		_, err := archive.Apply(context.Background(), dest, r, unpackOptions()...) // it ends when the pipe does
		if err == nil {
			_, err = io.Copy(io.Discard, r) // what pads the archive
		}
		_ = r.CloseWithError(err)
		u.done <- err
	}()
	return u
}

// Close ends the archive and waits until all of it is on disk.
func (u *unpacker) Close() error {
	_ = u.PipeWriter.Close()
	return <-u.done
}

// unpackOptions give a normal user what such a user may have: files of their own, and no devices.
func unpackOptions() []archive.ApplyOpt {
	if os.Geteuid() == 0 {
		return nil
	}
	return []archive.ApplyOpt{archive.WithNoSameOwner(), archive.WithFilter(func(h *tar.Header) (bool, error) {
		return h.Typeflag != tar.TypeChar && h.Typeflag != tar.TypeBlock, nil
	})}
}
