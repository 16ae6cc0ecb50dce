package compact

import "bytes"

// textsPerChunk bounds a chunk: its places are 16 bits wide.
const textsPerChunk = 256

// Texts are different texts, such as ids, of at most 255 bytes; each has a number, from 0 on in the order of their addition. The zero
// value is empty.
type Texts struct {
	chunks []textChunk // all but the last are full, and packed
	index  Index
	count  int
}

type textChunk struct {
	bytes   []byte
	ends    []uint16 // of each text within bytes; once packed without its prefix, in characters, and nil where all are equally long
	packing *packing // nil: the bytes are the texts as they are
}

// packing is how a full chunk has its texts: without their common prefix, in as few bits a character as their alphabet needs. An id of
// 36 hex digits and dashes takes 23 bytes, a number of ten digits 5.
type packing struct {
	prefix   []byte
	alphabet []byte // in the order of their numbers
	bits     uint   // of a number
	length   int    // of all texts without the prefix, where they are equally long
}

// maxAlphabet is what six bits can number: all characters that an id may have.
const maxAlphabet = 64

// Len returns the number of texts.
func (t *Texts) Len() int { return t.count }

// Find returns the number of a text; false when it was not added.
func (t *Texts) Find(text string) (number int, found bool) {
	n, found := t.find(Hash(text), text)
	return int(n), found
}

func (t *Texts) find(hash uint64, text string) (uint32, bool) {
	var buf [255]byte
	return t.index.Find(hash, func(n uint32) bool { return string(t.appendText(buf[:0], int(n))) == text })
}

// Add returns the number of a text, which it adds if it is new.
func (t *Texts) Add(text string) (number int, added bool) {
	hash := Hash(text)
	if n, found := t.find(hash, text); found {
		return int(n), false
	}
	if len(text) > 255 {
		panic("compact: a text has more than 255 bytes")
	}
	number = t.count
	var buf [255]byte
	t.index.Add(hash, uint64(number), func(n uint32) uint64 { return Hash(t.appendText(buf[:0], int(n))) })
	if number%textsPerChunk == 0 {
		t.chunks = append(t.chunks, textChunk{})
	}
	c := &t.chunks[len(t.chunks)-1]
	c.bytes = append(c.bytes, text...)
	c.ends = append(c.ends, uint16(len(c.bytes)))
	if len(c.ends) == textsPerChunk {
		c.pack()
	}
	t.count++
	return number, true
}

// Text returns the text with this number.
func (t *Texts) Text(number int) string {
	var buf [255]byte
	return string(t.appendText(buf[:0], number))
}

func (t *Texts) appendText(b []byte, number int) []byte {
	c, i := &t.chunks[number/textsPerChunk], number%textsPerChunk
	start, end := c.part(i)
	if c.packing == nil {
		return append(b, c.bytes[start:end]...)
	}
	return c.packing.unpack(append(b, c.packing.prefix...), c.bytes, start, end)
}

// part is where text i begins and ends.
func (c *textChunk) part(i int) (start, end int) {
	if c.ends == nil {
		return i * c.packing.length, (i + 1) * c.packing.length
	}
	if i > 0 {
		start = int(c.ends[i-1])
	}
	return start, int(c.ends[i])
}

// pack packs a full chunk, if its texts have few enough different characters.
func (c *textChunk) pack() {
	texts := make([][]byte, textsPerChunk)
	for i := range texts {
		start, end := c.part(i)
		texts[i] = c.bytes[start:end]
	}
	p := packing{prefix: bytes.Clone(texts[0]), length: len(texts[0])}
	uniform := true
	for _, text := range texts {
		p.prefix = p.prefix[:commonPrefix(p.prefix, text)]
		uniform = uniform && len(text) == p.length
	}
	p.length -= len(p.prefix)
	var used [256]bool
	for _, text := range texts {
		for _, character := range text[len(p.prefix):] {
			used[character] = true
		}
	}
	var numbers [256]byte
	for character := range used {
		if used[character] {
			numbers[character] = byte(len(p.alphabet))
			p.alphabet = append(p.alphabet, byte(character))
		}
	}
	if len(p.alphabet) > maxAlphabet {
		c.bytes = bytes.Clone(c.bytes) // without the room that is left
		return
	}
	for 1<<p.bits < len(p.alphabet) {
		p.bits++
	}
	size := len(c.bytes) - textsPerChunk*len(p.prefix)
	packed, bits, pending := make([]byte, 0, (uint(size)*p.bits+7)/8), uint(0), uint(0)
	total := 0
	for i, text := range texts {
		for _, character := range text[len(p.prefix):] {
			bits, pending = bits<<p.bits|uint(numbers[character]), pending+p.bits
			if pending >= 8 {
				pending -= 8
				packed = append(packed, byte(bits>>pending))
			}
		}
		total += len(text) - len(p.prefix)
		c.ends[i] = uint16(total)
	}
	if pending > 0 {
		packed = append(packed, byte(bits<<(8-pending)))
	}
	*c = textChunk{packed, c.ends, &p}
	if uniform {
		c.ends = nil
	}
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// unpack appends the characters from start to end.
func (p *packing) unpack(b, packed []byte, start, end int) []byte {
	at := uint(start) * p.bits
	for range end - start {
		// A number has at most six bits, so it is in two bytes.
		i, window := at/8, uint(0)
		if i < uint(len(packed)) {
			window = uint(packed[i]) << 8
		}
		if i+1 < uint(len(packed)) {
			window |= uint(packed[i+1])
		}
		b = append(b, p.alphabet[window<<(at%8)&0xffff>>(16-p.bits)])
		at += p.bits
	}
	return b
}
