// A MongoDB-speaking server for the tests of a machine that can have no MongoDB: FerretDB's embedded package over SQLite.
// usage: hasty-ferretdb PORT DIR
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		fail("usage: hasty-ferretdb PORT DIR")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server, err := ferretdb.New(&ferretdb.Config{
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:" + os.Args[1]},
		Handler:   "sqlite",
		SQLiteURL: "file:" + strings.TrimRight(os.Args[2], "/") + "/",
	})
	if err != nil {
		fail(err)
	}
	go func() { // Open connections would hold a stop back for ever.
		<-ctx.Done()
		time.Sleep(time.Second)
		os.Exit(0)
	}()
	if err := server.Run(ctx); err != nil {
		fail(err)
	}
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
