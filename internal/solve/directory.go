package solve

import (
	"archive/tar"
	"context"
	"io"
	"os"

	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/moby/buildkit/client"
)

// directoryExport writes the image's files to a directory, in addition to its content, as BuildKit's local exporter does.
//
// It uses BuildKit's tar exporter instead. The local one requests file after file on the stream that carries them, and with some
// thousand files both sides wait for each other: in golang.org/x/net's HTTP/2 server, which serves the session, the window
// updates of a stream queue behind its data. So a blocked request blocks the responses to all earlier ones.
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

// unpacker is a pipe that unpacks the archive that is written to it.
type unpacker struct {
	*io.PipeWriter
	done chan error
}

func unpack(dest string) *unpacker {
	r, w := io.Pipe()
	u := &unpacker{w, make(chan error, 1)}
	go func() {
		_, err := archive.Apply(context.Background(), dest, r, unpackOptions()...) // ends with the pipe
		if err == nil {
			_, err = io.Copy(io.Discard, r) // the archive's padding
		}
		_ = r.CloseWithError(err)
		u.done <- err
	}()
	return u
}

// Close ends the archive and waits until it is unpacked.
func (u *unpacker) Close() error {
	_ = u.PipeWriter.Close()
	return <-u.done
}

// unpackOptions returns the options for a normal user, who may not change the owner of files or make devices.
func unpackOptions() []archive.ApplyOpt {
	if os.Geteuid() == 0 {
		return nil
	}
	return []archive.ApplyOpt{archive.WithNoSameOwner(), archive.WithFilter(func(h *tar.Header) (bool, error) {
		return h.Typeflag != tar.TypeChar && h.Typeflag != tar.TypeBlock, nil
	})}
}
