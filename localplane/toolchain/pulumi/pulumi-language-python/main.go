// Command pulumi-language-python lets the Pulumi engine run programs, plugins and policy packs in Python.
//
// It stands in for the official language host, whose module cannot be had from the places this project
// builds from. It serves the same protocol (LanguageRuntime) with the SDK's own parts: the SDK chooses and
// starts the Python interpreter (sdk/python/toolchain), and the SDK's own script
// pulumi-language-python-exec, which must lie beside this executable, runs the program.
//
// Not served: code generation (pulumi convert, pulumi package add), project templates and debuggers.
// The engine is told so (Unimplemented) and says so to the user.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/logging"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

// engineSilence is how long the engine may fail its health checks before this process ends itself.
const engineSilence = 5 * time.Minute

func main() {
	tracing := flag.String("tracing", "", "Zipkin-compatible tracing endpoint, handed on to programs")
	showVersion := flag.Bool("version", false, "print the version and exit")
	flag.Parse()
	if *showVersion {
		fmt.Println(version.Version)
		return
	}
	logging.InitLogging(false, 0, false)
	cmdutil.InitTracing("pulumi-language-python", "pulumi-language-python", *tracing)
	if err := serve(flag.Arg(0), *tracing); err != nil {
		cmdutil.Exit(err)
	}
}

// serve answers the engine at engineAddress (empty when it attaches later) until it goes away.
func serve(engineAddress, tracing string) error {
	script, err := besideThisExecutable("pulumi-language-python-exec")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if engineAddress != "" {
		if err := rpcutil.Healthcheck(ctx, engineAddress, engineSilence, cancel); err != nil {
			return fmt.Errorf("could not start watching the engine at %s: %w", engineAddress, err)
		}
	}
	stop := make(chan bool)
	go func() {
		<-ctx.Done()
		close(stop)
	}()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stop,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, &host{
				script: script, engineAddress: engineAddress, tracing: tracing,
			})
			return nil
		},
		Options: rpcutil.TracingServerInterceptorOptions(nil),
	})
	if err != nil {
		return fmt.Errorf("could not start the language host's server: %w", err)
	}
	fmt.Println(handle.Port) // the engine reads the port from the first line
	if err := <-handle.Done; err != nil {
		return fmt.Errorf("the language host stopped serving: %w", err)
	}
	return nil
}

func besideThisExecutable(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("could not find out where this executable lies: %w", err)
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("the language host needs its script beside it: %w", err)
	}
	return path, nil
}
