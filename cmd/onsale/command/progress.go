// Progress of long work, on a terminal only.

package command

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"time"

	"onsale/domain"
)

const progressInterval = 200 * time.Millisecond

// progressBar is a line that is written again and again, and erased at the end.
type progressBar struct {
	out   io.Writer // nil: shows nothing
	what  string
	total uint64
	shown time.Time
}

// newProgressBar is for out, where that is a terminal.
func newProgressBar(out io.Writer, what string, total uint64) *progressBar {
	if file, ok := out.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return &progressBar{out: out, what: what, total: total}
		}
	}
	return &progressBar{}
}

const progressWidth = 30

// show says that done of the total are done.
func (p *progressBar) show(done uint64) {
	if p.out == nil || p.total == 0 || time.Since(p.shown) < progressInterval {
		return
	}
	p.shown = time.Now()
	done = min(done, p.total)
	filled := int(done * progressWidth / p.total)
	fmt.Fprintf(p.out, "\r%s [%s%s] %d %%", p.what, strings.Repeat("#", filled), strings.Repeat(" ", progressWidth-filled), done*100/p.total)
}

// end erases the line.
func (p *progressBar) end() {
	if p.out != nil && !p.shown.IsZero() {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// commandProgress is a log that shows how many messages of COMMANDS were read.
type commandProgress struct {
	readableLog
	bar *progressBar
}

func (l commandProgress) CommandBatches(ctx context.Context, from uint64) iter.Seq2[domain.Batch, error] {
	return func(yield func(domain.Batch, error) bool) {
		for batch, err := range l.readableLog.CommandBatches(ctx, from) {
			l.bar.show(batch.Message)
			if !yield(batch, err) {
				return
			}
		}
	}
}

// eventProgress is a log that shows how many events were read.
type eventProgress struct {
	readableLog
	bar *progressBar
}

func (l eventProgress) Events(ctx context.Context, from uint64, filter string) iter.Seq2[domain.Record, error] {
	return func(yield func(domain.Record, error) bool) {
		for record, err := range l.readableLog.Events(ctx, from, filter) {
			l.bar.show(record.Number)
			if !yield(record, err) {
				return
			}
		}
	}
}
