package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// findPackages prints one JSON object for each installed package with a provider. One short script instead
// of `pip list`: it runs before every preview and update, and pip takes a second or more.
//
//go:embed find_packages.py
var findPackages string

type installedPackage struct {
	Name    string                  `json:"name"`
	Version string                  `json:"version"`
	Plugin  plugin.PulumiPluginJSON `json:"plugin"`
}

// GetRequiredPackages names the providers of the installed packages, so that the engine can have them ready.
func (h *host) GetRequiredPackages(
	ctx context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	python, err := pythonFor(req.Info)
	if err != nil {
		return nil, err
	}
	if err := python.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	installed, err := installedPackages(ctx, python)
	if err != nil {
		return nil, err
	}
	answer := &pulumirpc.GetRequiredPackagesResponse{}
	for _, found := range installed {
		if found.Plugin.Resource {
			answer.Packages = append(answer.Packages, dependency(found))
		}
	}
	return answer, nil
}

func installedPackages(ctx context.Context, python toolchain.Toolchain) ([]installedPackage, error) {
	command, err := python.Command(ctx, "-c", findPackages)
	if err != nil {
		return nil, err
	}
	output, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("could not list the installed Pulumi packages: %w\n%s", err, exit.Stderr)
		}
		return nil, fmt.Errorf("could not list the installed Pulumi packages: %w", err)
	}
	var installed []installedPackage
	if err := json.Unmarshal(output, &installed); err != nil {
		return nil, fmt.Errorf("could not read the list of installed Pulumi packages: %w", err)
	}
	return installed, nil
}

func dependency(found installedPackage) *pulumirpc.PackageDependency {
	return &pulumirpc.PackageDependency{
		Name:             found.Name,
		Kind:             "resource",
		Version:          "v" + found.Version,
		Server:           found.Plugin.Server,
		Parameterization: parameterization(found.Plugin.Parameterization),
		Extension:        parameterization(found.Plugin.ExtensionParameterization),
	}
}

func parameterization(given *plugin.PulumiParameterizationJSON) *pulumirpc.PackageParameterization {
	if given == nil {
		return nil
	}
	return &pulumirpc.PackageParameterization{Name: given.Name, Version: given.Version, Value: given.Value}
}

// GetProgramDependencies lists the packages a program depends on, for `pulumi about`.
func (h *host) GetProgramDependencies(
	ctx context.Context, req *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	python, err := pythonFor(req.Info)
	if err != nil {
		return nil, err
	}
	if err := python.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	packages, err := python.ListPackages(ctx, req.TransitiveDependencies)
	if err != nil {
		return nil, err
	}
	answer := &pulumirpc.GetProgramDependenciesResponse{}
	for _, found := range packages {
		answer.Dependencies = append(answer.Dependencies,
			&pulumirpc.DependencyInfo{Name: found.Name, Version: found.Version})
	}
	return answer, nil
}
