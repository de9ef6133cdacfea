package main

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/klauspost/compress/zstd"
)

// compressionFile is the runtime file of an image with about 900 MB of Debian's packages: compilers, and what plays videos.
const compressionFile = `profile: python
user: root
packages: [build-essential, ffmpeg]
dependencies: {manager: none}
`

// compressor starts to compress into a file.
type compressor func(io.Writer) (io.WriteCloser, error)

// gzipper compresses as BuildKit does: with the standard library.
func gzipper(level int) compressor {
	return func(to io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(to, level) }
}

// zstder does the same with the library that BuildKit uses.
func zstder(options ...zstd.EOption) compressor {
	return func(to io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(to, options...) }
}

// zstdLevel is the option for a level of the zstd command.
func zstdLevel(level int) zstd.EOption {
	return zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level))
}

// compressions are what gzip is compared with.
var compressions = []struct {
	flag string
	with compressor
}{
	{"zstd", zstder()},
	{"zstd,level=9", zstder(zstdLevel(9))},
	{"zstd,level=22", zstder(zstdLevel(22))},
	{"gzip,level=1", gzipper(1)},
}

// packed is what it costs to compress layers and to read them.
type packed struct {
	wall, processor float64 // seconds to compress
	read            float64 // seconds of processor time to decompress
	size            float64 // bytes
}

// measureCompression builds an image once, and compresses the layers that the build has made, in this process. It decompresses them as
// containerd does.
func measureCompression(ctx context.Context, b *bench) ([]row, error) {
	layers, err := b.builtLayers(ctx)
	if err != nil {
		return nil, err
	}
	var standard []packed
	all := make([][]packed, len(compressions))
	for range b.runs {
		p, err := b.pack("gzip", gzipper(gzip.DefaultCompression), layers)
		if err != nil {
			return nil, err
		}
		standard = append(standard, p)
		for i, c := range compressions {
			if p, err = b.pack(c.flag, c.with, layers); err != nil {
				return nil, err
			}
			all[i] = append(all[i], p)
		}
	}
	var rows []row
	for i, c := range compressions {
		rows = append(rows, compressionRows(c.flag, all[i], standard)...)
	}
	return rows, nil
}

func compressionRows(flag string, ours, standard []packed) []row {
	figures := func(of []packed, figure func(packed) float64) (all []float64) {
		for _, p := range of {
			all = append(all, figure(p))
		}
		return all
	}
	compare := func(what string, format func(float64) string, figure func(packed) float64) row {
		a, b := figures(ours, figure), figures(standard, figure)
		return withRatio(row{what: flag + " (ours), gzip (theirs): " + what, ours: format(median(a)), theirs: format(median(b))}, quotients(a, b))
	}
	bytes := func(n float64) string { return size(int64(n)) }
	return []row{
		compare("time to compress", seconds, func(p packed) float64 { return p.wall }),
		compare("  of all cores", seconds, func(p packed) float64 { return p.processor }),
		compare("size", bytes, func(p packed) float64 { return p.size }),
		compare("time of all cores to decompress", seconds, func(p packed) float64 { return p.read }),
	}
}

// builtLayers builds the image, and returns the files of the layers that lie over its base, uncompressed.
func (b *bench) builtLayers(ctx context.Context) ([]string, error) {
	p := &project{bench: b, dir: filepath.Join(b.dir, "compression"), repository: b.registry.Host + "/compression"}
	if err := errors.Join(os.Mkdir(p.dir, 0o755), writeSource(filepath.Join(p.dir, "runtime.yaml"), compressionFile),
		writeSource(filepath.Join(p.dir, "agent.py"), "print('agent')\n")); err != nil {
		return nil, err
	}
	builder, stop, err := b.freshBuilder(ctx)
	if err != nil {
		return nil, err
	}
	b.say("  building the image")
	_, ref, err := b.process(ctx, builder.Addr, b.binaries.Client, p.args("solve", "--progress", "plain", "--compression", "uncompressed")...)
	if err = errors.Join(err, stop()); err != nil {
		return nil, err
	}
	image, err := b.registry.Image(ctx, strings.TrimSpace(ref))
	if err != nil {
		return nil, err
	}
	var files []string
	for _, layer := range image.Layers(ctx)[1:] {
		file := filepath.Join(p.dir, layer.Digest.Encoded())
		if err := save(file, layer.Open); err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// save writes a file.
func save(name string, open func() (io.ReadCloser, error)) error {
	from, err := open()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// pack compresses layers one after the other, and decompresses each.
func (b *bench) pack(name string, with compressor, layers []string) (p packed, err error) {
	for _, layer := range layers {
		to := layer + ".packed"
		wall, processor, err := timed(func() error { return compress(with, layer, to) })
		if err != nil {
			return p, err
		}
		_, read, err := timed(func() error { return decompress(to) })
		if err != nil {
			return p, err
		}
		info, err := os.Stat(to)
		if err != nil {
			return p, err
		}
		p = packed{p.wall + wall, p.processor + processor, p.read + read, p.size + float64(info.Size())}
	}
	b.say("  %-13s %5.1f s, %5.1f s of all cores, %s, decompressed in %.1f s", name, p.wall, p.processor, size(int64(p.size)), p.read)
	return p, nil
}

func compress(with compressor, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	w, err := with(out)
	if err == nil {
		_, err = io.Copy(w, in)
		err = errors.Join(err, w.Close())
	}
	return errors.Join(err, out.Close())
}

func decompress(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := compression.DecompressStream(file)
	if err != nil {
		return err
	}
	defer plain.Close()
	_, err = io.Copy(io.Discard, plain)
	return err
}

// timed calls f. It returns the time and the processor time of f, in seconds, programs that f starts included.
func timed(f func() error) (wall, processor float64, err error) {
	used := func() (total float64) {
		for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
			var usage syscall.Rusage
			_ = syscall.Getrusage(who, &usage) // it fails only for an unknown who
			total += time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
		}
		return total
	}
	before, began := used(), time.Now()
	err = f()
	return time.Since(began).Seconds(), used() - before, err
}
