// Saving tables and loading them again, index pages included: loading costs little more than reading. What was saved must come back
// unchanged: the caller keeps a checksum over all of it.

package compact

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Writer writes tables. Its first error is that of Flush.
type Writer struct {
	w   *bufio.Writer
	buf []byte
}

// NewWriter returns a writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: bufio.NewWriterSize(w, 1<<18)} }

// Number writes n.
func (w *Writer) Number(n uint64) {
	w.w.Write(binary.AppendUvarint(w.w.AvailableBuffer(), n))
}

// Bytes writes b and its length.
func (w *Writer) Bytes(b []byte) {
	w.Number(uint64(len(b)))
	w.w.Write(b)
}

// Flush writes what is left.
func (w *Writer) Flush() error { return w.w.Flush() }

// maxSaved bounds a piece that is read at once.
const maxSaved = 1 << 24

// Reader reads what Writer wrote. After an error, which Err returns, it returns zeros.
type Reader struct {
	r   *bufio.Reader
	err error
	buf []byte
}

// NewReader returns a reader from r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 1<<18)} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Fail makes err the first error, if there is none.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Number reads a number.
func (r *Reader) Number() uint64 {
	if r.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(r.r)
	if err != nil {
		r.Fail(err)
	}
	return n
}

// Count reads a number of things that follow.
func (r *Reader) Count() int {
	n := r.Number()
	if n > 1<<32 {
		r.Fail(fmt.Errorf("compact: %d is no count", n))
		return 0
	}
	return int(n)
}

// Bytes reads bytes, which are valid until the next call.
func (r *Reader) Bytes() []byte {
	n := r.Count()
	if n > maxSaved {
		r.Fail(fmt.Errorf("compact: a piece of %d bytes", n))
	}
	if r.err != nil {
		return nil
	}
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	if _, err := io.ReadFull(r.r, r.buf[:n]); err != nil {
		r.Fail(err)
		return nil
	}
	return r.buf[:n]
}

// Save writes the array; appendEntry appends the bytes of an entry, always as many.
func (a *Array[T]) Save(w *Writer, appendEntry func([]byte, T) []byte) {
	w.Number(uint64(len(a.chunks)))
	for _, chunk := range a.chunks {
		w.buf = w.buf[:0]
		for _, entry := range chunk {
			w.buf = appendEntry(w.buf, entry)
		}
		w.Bytes(w.buf)
	}
}

// Load reads what Save wrote; entries have size bytes.
func (a *Array[T]) Load(r *Reader, size int, entry func([]byte) T) {
	*a = Array[T]{}
	for range r.Count() {
		b := r.Bytes()
		if len(b)%size != 0 || len(b)/size > chunkSize {
			r.Fail(errors.New("compact: the chunk of an array has a wrong size"))
		}
		if r.err != nil {
			return
		}
		chunk := make([]T, 0, len(b)/size)
		for ; len(b) > 0; b = b[size:] {
			chunk = append(chunk, entry(b))
		}
		a.chunks = append(a.chunks, chunk)
	}
}

// Save writes the texts.
func (t *Texts) Save(w *Writer) {
	w.Number(uint64(t.count))
	for _, c := range t.chunks {
		p := c.packing
		if p == nil {
			p = new(packing)
		}
		w.Bytes(p.prefix)
		w.Bytes(p.alphabet)
		w.Number(uint64(p.bits))
		w.Number(uint64(p.length))
		w.Bytes(c.bytes)
		w.buf = w.buf[:0]
		for _, end := range c.ends {
			w.buf = binary.LittleEndian.AppendUint16(w.buf, end)
		}
		w.Bytes(w.buf)
	}
	t.index.Save(w)
}

// Load reads what Save wrote.
func (t *Texts) Load(r *Reader) {
	*t = Texts{count: r.Count()}
	for range (t.count + textsPerChunk - 1) / textsPerChunk {
		p := packing{prefix: bytes.Clone(r.Bytes()), alphabet: bytes.Clone(r.Bytes()), bits: uint(r.Number()), length: int(r.Number())}
		c := textChunk{bytes: bytes.Clone(r.Bytes())}
		if len(p.alphabet) > 0 {
			c.packing = &p
		}
		for b := r.Bytes(); len(b) > 1; b = b[2:] {
			c.ends = append(c.ends, binary.LittleEndian.Uint16(b))
		}
		if r.err != nil {
			return
		}
		t.chunks = append(t.chunks, c)
	}
	t.index.Load(r)
}

// Save writes the index with its pages as they are.
func (x *Index) Save(w *Writer) {
	w.Number(uint64(x.depth))
	w.Number(uint64(x.used))
	w.Number(uint64(len(x.pages)))
	for place := 0; place < len(x.pages); {
		p := x.pages[place]
		w.Number(uint64(p.depth))
		w.Number(uint64(p.used))
		w.Bytes(p.tags)
		w.buf = w.buf[:0]
		for _, n := range p.numbers {
			w.buf = binary.LittleEndian.AppendUint32(w.buf, n)
		}
		w.Bytes(w.buf)
		place += 1 << (x.depth - p.depth)
	}
}

// Load reads what Save wrote.
func (x *Index) Load(r *Reader) {
	*x = Index{depth: uint(r.Number()), used: r.Count()}
	places := r.Count()
	for len(x.pages) < places {
		p := &page{depth: uint(r.Number()), used: r.Count()}
		p.tags = append([]uint8(nil), r.Bytes()...)
		b := r.Bytes()
		if r.err == nil && (len(b) != 4*len(p.tags) || p.depth > x.depth) {
			r.Fail(errors.New("compact: the page of an index has a wrong size"))
		}
		if r.err != nil {
			return
		}
		p.numbers = make([]uint32, len(p.tags))
		for i := range p.numbers {
			p.numbers[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
		for range 1 << (x.depth - p.depth) {
			x.pages = append(x.pages, p)
		}
	}
}
