package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"

	sdk "github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// RunPlugin runs a provider (PulumiPlugin.yaml) or a policy pack (PulumiPolicy.yaml) until it ends or the
// engine hangs up, and streams what it prints.
func (h *host) RunPlugin(
	req *pulumirpc.RunPluginRequest, server pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(server, false)
	if err != nil {
		return err
	}
	defer closer.Close() //nolint:errcheck // closed with its error below; this one is for the early returns
	python, err := pythonFor(req.Info)
	if err != nil {
		return err
	}
	if err := python.ValidateVenv(server.Context()); err != nil {
		return err
	}
	if req.Kind == string(apitype.AnalyzerPlugin) {
		err = runPolicyPack(server.Context(), python, req, stdout, stderr)
	} else {
		err = runProvider(server.Context(), python, req, stdout, stderr)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return server.Send(&pulumirpc.RunPluginResponse{
			Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(exit.ExitCode())}, //nolint:gosec
		})
	}
	if err != nil {
		return err
	}
	return closer.Close()
}

func runProvider(
	ctx context.Context, python toolchain.Toolchain, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer,
) error {
	arguments, err := providerArguments(req)
	if err != nil {
		return err
	}
	command, err := python.Command(ctx, arguments...)
	if err != nil {
		return err
	}
	if command.Env, err = activated(ctx, python, req.Env); err != nil {
		return err
	}
	command.Dir = req.Pwd
	command.Stdout, command.Stderr = stdout, stderr
	return command.Run()
}

// providerArguments follows the SDK's rule: a folder that builds as a Python package is run as the package's
// module (its components are found by themselves), any other folder by its __main__.py.
func providerArguments(req *pulumirpc.RunPluginRequest) ([]string, error) {
	folder := req.Info.ProgramDirectory
	isPackage, err := toolchain.IsBuildablePackage(folder)
	if err != nil {
		return nil, err
	}
	if !isPackage {
		return append([]string{"-u", filepath.Join(folder, req.Info.EntryPoint)}, req.Args...), nil
	}
	project, err := toolchain.LoadPyproject(folder)
	if err != nil {
		return nil, err
	}
	return append([]string{"-u", "-m", "pulumi.run.plugin", project.Project.Name}, req.Args...), nil
}

// runPolicyPack starts the pack only once the engine has said which stack it judges, because a pack reads
// its configuration while it is loaded. Until then the SDK's proxy answers for it.
func runPolicyPack(
	ctx context.Context, python toolchain.Toolchain, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer,
) error {
	proxy, packOutput, err := sdk.NewPolicyProxy(ctx, stdout)
	if err != nil {
		return fmt.Errorf("could not start the proxy of a policy pack: %w", err)
	}
	stack, err := proxy.AwaitConfiguration(ctx)
	if err != nil {
		return err
	}
	arguments := append([]string{"-u", "-m", "pulumi.policy"}, req.Args...)
	command, err := python.Command(ctx, append(arguments, req.Info.ProgramDirectory)...)
	if err != nil {
		return err
	}
	if command.Env, err = policyEnvironment(ctx, python, req.Env, stack); err != nil {
		return err
	}
	command.Dir = req.Info.ProgramDirectory // a pack finds its own modules and files where it lies
	command.Stdout, command.Stderr = packOutput, stderr
	if err := command.Start(); err != nil {
		return fmt.Errorf("could not start the policy pack in %s: %w", command.Dir, err)
	}
	return proxy.Attach(ctx, command) // waits for its end
}

// policyEnvironment is what the SDK's pulumi.policy module reads; stack is nil outside a stack's operation.
func policyEnvironment(
	ctx context.Context, python toolchain.Toolchain, environment []string,
	stack *pulumirpc.AnalyzerStackConfigureRequest,
) ([]string, error) {
	environment, err := activated(ctx, python, environment)
	if err != nil || stack == nil {
		return environment, err
	}
	configuration, err := configurationVariables(stack.Config, stack.ConfigSecretKeys)
	if err != nil {
		return nil, err
	}
	environment = append(environment, configuration...)
	environment = append(environment,
		"PULUMI_PROJECT="+stack.Project,
		"PULUMI_STACK="+stack.Stack,
		"PULUMI_DRY_RUN="+strconv.FormatBool(stack.DryRun))
	if stack.Organization != "" {
		environment = append(environment, "PULUMI_ORGANIZATION="+stack.Organization)
	}
	return environment, nil
}

// activated puts the virtual environment first on the PATH that the engine wants the plugin to see.
func activated(ctx context.Context, python toolchain.Toolchain, environment []string) ([]string, error) {
	virtualenv, err := python.VirtualEnvPath(ctx)
	if err != nil || virtualenv == "" {
		return environment, err
	}
	return toolchain.ActivateVirtualEnv(environment, virtualenv), nil
}
