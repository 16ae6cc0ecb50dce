// Redis and PostgreSQL for one system: started for it with empty directories, on free ports of loopback, and ended with it. The
// services of the machine are not touched.

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/jackc/pgx/v5"
)

const installHint = "apt-get install --no-install-recommends redis-server postgresql; or leave them out with -systems onsale,empty"

// findRedis returns the path of redis-server.
func findRedis() (string, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return "", hintError{fmt.Errorf("redis-server is missing: %w", err), installHint}
	}
	return path, nil
}

// findPostgres returns the folder of PostgreSQL's programs. Debian keeps them out of PATH.
func findPostgres() (string, error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	version := func(folder string) int { n, _ := strconv.Atoi(filepath.Base(filepath.Dir(folder))); return n }
	slices.SortFunc(folders, func(a, b string) int { return version(b) - version(a) })
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			folders = append(folders, filepath.Dir(path))
		}
	}
	for _, folder := range folders {
		if _, err := os.Stat(filepath.Join(folder, "postgres")); err == nil {
			return folder, nil
		}
	}
	return "", hintError{fmt.Errorf("postgres is missing in PATH and in /usr/lib/postgresql"), installHint}
}

// postgresCredential is the user as which PostgreSQL runs, since it refuses to run as root; nil: the user of this process.
func postgresCredential() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		return nil, hintError{fmt.Errorf("postgresql refuses to run as root: %w", err), "create the user postgres, or run this as another user"}
	}
	uid, uidErr := strconv.ParseUint(account.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(account.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return nil, fmt.Errorf("the user postgres has the id %s:%s", account.Uid, account.Gid)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// startRedis starts a server; appendfsync is everysec or always.
func startRedis(ctx context.Context, dir, appendfsync string) (p *process, address string, err error) {
	program, err := findRedis()
	if err != nil {
		return nil, "", err
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	data := filepath.Join(dir, "redis")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, "", err
	}
	p, err = startProcess(dir, "redis", nil, program, "--bind", "127.0.0.1", "--port", port, "--dir", data,
		"--appendonly", "yes", "--appendfsync", appendfsync, "--save", "", "--daemonize", "no")
	if err != nil {
		return nil, "", err
	}
	address = net.JoinHostPort("127.0.0.1", port)
	err = p.await(ctx, func() error {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err
	})
	if err != nil {
		p.stop(syscall.SIGTERM)
		return nil, "", err
	}
	return p, address, nil
}

// startPostgres initializes a cluster and starts its server.
func startPostgres(ctx context.Context, dir string) (p *process, url string, err error) {
	folder, err := findPostgres()
	if err != nil {
		return nil, "", err
	}
	credential, err := postgresCredential()
	if err != nil {
		return nil, "", err
	}
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	data := filepath.Join(dir, "postgres")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, "", err
	}
	if credential != nil {
		if err := os.Chown(data, int(credential.Uid), int(credential.Gid)); err != nil {
			return nil, "", err
		}
	}
	initdb := exec.CommandContext(ctx, filepath.Join(folder, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C")
	initdb.Dir, initdb.Env, initdb.SysProcAttr = dir, environment(), &syscall.SysProcAttr{Setpgid: true, Credential: credential}
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, "", hintError{fmt.Errorf("initdb: %w\n%s", err, output), "the user postgres must be able to enter TMPDIR"}
	}
	p, err = startProcess(dir, "postgresql", credential, filepath.Join(folder, "postgres"), "-D", data, "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	if err != nil {
		return nil, "", err
	}
	url = "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable"
	err = p.await(ctx, func() error {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			err = conn.Close(ctx)
		}
		return err
	})
	if err != nil {
		p.stop(syscall.SIGINT)
		return nil, "", err
	}
	return p, url, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
