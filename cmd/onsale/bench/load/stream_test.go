package load

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Frames are the same however the stream is split, chunked or not.
func TestFrames_SplitAnywhere(t *testing.T) {
	frames := []string{
		"event: connect\nretry: 2000\ndata: {}\nid: abcdefgh-0\n\n",
		"data: {\"scheduleSeatId\":1,\"status\":\"HELD\",\"isHeartbeat\":false}\nid: abcdefgh-1\n\n",
		":\nevent: heartbeat\ndata:\nid: abcdefgh-1\n\n",
		"data: {\"scheduleSeatId\":1,\"status\":\"AVAILABLE\",\"isHeartbeat\":false}\nid: abcdefgh-12\n\n",
		"data: {\"scheduleSeatId\":-1,\"status\":null,\"isHeartbeat\":true}\nid: abcdefgh-12\n\n",
	}
	plain, chunkedText := strings.Join(frames, ""), ""
	for _, f := range frames {
		chunkedText += fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n", 7, f[:7], len(f)-7, f[7:])
	}
	for _, c := range []struct {
		bytes       string
		chunkedText bool
	}{{plain, false}, {chunkedText, true}} {
		for size := range len(c.bytes) {
			var got []uint64
			var body chunkDecoder
			var s splitter
			for piece := range slices.Chunk([]byte(c.bytes), size+1) {
				if c.chunkedText {
					piece = body.decode(piece)
				}
				s.each(piece, func(f Frame) {
					if f.IsEvent() {
						got = append(got, f.Number())
					}
				})
			}
			if !slices.Equal(got, []uint64{1, 12}) {
				t.Fatalf("chunked %v, in pieces of %d: got %v", c.chunkedText, size+1, got)
			}
		}
	}
}
