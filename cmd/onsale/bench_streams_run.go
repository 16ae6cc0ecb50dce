// One measure: the node that is measured, and what can be seen of it from outside.

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// streamsRun is one measure on its node.
type streamsRun struct {
	streamsPlan
	report  *measureReport
	environ []string
	stderr  io.Writer
	host    string // of the node
}

// mostTime is what a measure may take beyond the times that it was given.
const mostTime = 15 * time.Minute

func (r *streamsRun) run(ctx context.Context, flags []string, take func(context.Context, *streamsRun) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, mostTime+2*(r.Duration+r.Stall), fmt.Errorf("it is not over after %v", mostTime))
	defer cancel()
	if r.Target == "" {
		node, err := startNode(ctx, append(append([]string{}, flags...), r.Serve...), r.environ, r.stderr)
		if err != nil {
			return err
		}
		defer node.stop()
		r.Target, r.PID = node.url, node.pid()
	}
	at, err := url.Parse(r.Target)
	if err != nil {
		return err
	}
	r.host = at.Host
	if err = take(ctx, r); err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

func (r *streamsRun) note(format string, values ...any) {
	fmt.Fprintf(r.stderr, "  "+format+"\n", values...)
}

// figures are the lines of /metrics, by name and labels.
func (r *streamsRun) figures(ctx context.Context) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Target+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	found := map[string]float64{}
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), " "); ok && name != "#" {
			found[name], _ = strconv.ParseFloat(value[strings.LastIndexByte(value, ' ')+1:], 64)
		}
	}
	return found, lines.Err()
}
