package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// exitShown is the exit code of a program that failed after the engine was already told why.
const exitShown = 32

// Run runs a program to its end. A failing program is an answer, not an error.
func (h *host) Run(ctx context.Context, req *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	options, err := readOptions(req.Info)
	if err != nil {
		return nil, err
	}
	python, err := toolchain.ResolveToolchain(options)
	if err != nil {
		return nil, err
	}
	if err := python.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	if complaint, err := typecheck(ctx, python, options); err != nil || complaint != "" {
		return &pulumirpc.RunResponse{Error: complaint}, err
	}
	command, err := h.programCommand(ctx, python, req)
	if err != nil {
		return nil, err
	}
	return outcome(command.Run()), nil
}

func (h *host) programCommand(
	ctx context.Context, python toolchain.Toolchain, req *pulumirpc.RunRequest,
) (*exec.Cmd, error) {
	command, err := python.Command(ctx, append([]string{"-u", h.script}, h.programArguments(req)...)...)
	if err != nil {
		return nil, err
	}
	configuration, err := configurationVariables(req.Config, req.ConfigSecretKeys)
	if err != nil {
		return nil, err
	}
	if command.Env == nil { // the ambient interpreter comes without an environment, a virtual one with it
		command.Env = os.Environ()
	}
	command.Env = append(command.Env, configuration...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr // the engine shows what appears here
	return command, nil
}

func (h *host) programArguments(req *pulumirpc.RunRequest) []string {
	var arguments []string
	flag := func(name, value string) {
		if value != "" {
			arguments = append(arguments, "--"+name, value)
		}
	}
	flag("monitor", req.MonitorAddress)
	flag("engine", h.engineAddress)
	flag("project", req.Project)
	flag("root_directory", req.Info.RootDirectory)
	flag("stack", req.Stack)
	flag("pwd", req.Pwd)
	flag("dry_run", strconv.FormatBool(req.DryRun))
	flag("parallel", strconv.Itoa(int(req.Parallel)))
	flag("tracing", h.tracing)
	flag("organization", req.Organization)
	return append(append(arguments, req.Info.EntryPoint), req.Args...)
}

// configurationVariables leaves out what is empty: the SDK stumbles over a JSON null.
func configurationVariables(config map[string]string, secretKeys []string) ([]string, error) {
	var variables []string
	if len(config) > 0 {
		values, err := json.Marshal(config)
		if err != nil {
			return nil, fmt.Errorf("could not write the stack's configuration as JSON: %w", err)
		}
		variables = append(variables, "PULUMI_CONFIG="+string(values))
	}
	if len(secretKeys) > 0 {
		keys, err := json.Marshal(secretKeys)
		if err != nil {
			return nil, fmt.Errorf("could not write the names of secret configuration as JSON: %w", err)
		}
		variables = append(variables, "PULUMI_CONFIG_SECRET_KEYS="+string(keys))
	}
	return variables, nil
}

func outcome(err error) *pulumirpc.RunResponse {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}
	case !errors.As(err, &exit):
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("could not start the program: %v", err)}
	case exit.ExitCode() == exitShown:
		return &pulumirpc.RunResponse{Bail: true}
	case exit.ExitCode() < 0:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("program ended by %s", exit.ProcessState)}
	default:
		return &pulumirpc.RunResponse{
			Error: fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode()),
		}
	}
}

// typecheck runs the checker that runtime.options.typechecker names; its complaint stops the program.
func typecheck(
	ctx context.Context, python toolchain.Toolchain, options toolchain.PythonOptions,
) (string, error) {
	if options.Typechecker == toolchain.TypeCheckerNone {
		return "", nil
	}
	name := strings.ToLower(toolchain.TypeCheckerName(options.Typechecker))
	command, err := python.ModuleCommand(ctx, name, options.ProgramDir)
	if err != nil {
		return "", err
	}
	command.Dir = options.ProgramDir
	output, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Sprintf("%s found errors:\n%s", name, output), nil
	}
	return "", err
}
