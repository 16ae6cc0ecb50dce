package compact

// textsPerChunk bounds a chunk: its places are 16 bits wide, and an id has at most 64 bytes.
const textsPerChunk = 256

// Texts are different texts, such as ids, of at most 255 bytes; each has a number, from 0 on in the order of their addition. The zero
// value is empty.
type Texts struct {
	chunks []textChunk // all but the last are full
	index  Index
	count  int
}

type textChunk struct {
	bytes []byte
	ends  []uint16 // of each text within bytes
}

// Len returns the number of texts.
func (t *Texts) Len() int { return t.count }

// Find returns the number of a text; false when it was not added.
func (t *Texts) Find(text string) (number int, found bool) {
	n, found := t.find(Hash(text), text)
	return int(n), found
}

func (t *Texts) find(hash uint64, text string) (uint32, bool) {
	return t.index.Find(hash, func(n uint32) bool { return string(t.bytes(int(n))) == text })
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
	t.index.Add(hash, uint64(number), func(n uint32) uint64 { return Hash(t.bytes(int(n))) })
	if number%textsPerChunk == 0 {
		t.chunks = append(t.chunks, textChunk{})
	}
	c := &t.chunks[len(t.chunks)-1]
	c.bytes = append(c.bytes, text...)
	c.ends = append(c.ends, uint16(len(c.bytes)))
	if len(c.ends) == textsPerChunk {
		c.bytes = append(make([]byte, 0, len(c.bytes)), c.bytes...) // without the room that is left
	}
	t.count++
	return number, true
}

// Text returns the text with this number.
func (t *Texts) Text(number int) string { return string(t.bytes(number)) }

func (t *Texts) bytes(number int) []byte {
	c, i := &t.chunks[number/textsPerChunk], number%textsPerChunk
	start := uint16(0)
	if i > 0 {
		start = c.ends[i-1]
	}
	return c.bytes[start:c.ends[i]]
}
