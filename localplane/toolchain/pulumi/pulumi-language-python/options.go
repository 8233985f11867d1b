package main

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// pythonFor finds the interpreter that runtime.options in Pulumi.yaml ask for: `toolchain` (pip, poetry, uv;
// otherwise what lock files suggest) and `virtualenv`, relative to the folder of Pulumi.yaml.
func pythonFor(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	options, err := readOptions(info)
	if err != nil {
		return nil, err
	}
	return toolchain.ResolveToolchain(options)
}

func readOptions(info *pulumirpc.ProgramInfo) (toolchain.PythonOptions, error) {
	options := toolchain.PythonOptions{Root: info.RootDirectory, ProgramDir: info.ProgramDirectory}
	values := map[string]any{}
	if info.Options != nil {
		values = info.Options.AsMap()
	}
	virtualenv, err := text(values, "virtualenv")
	if err != nil {
		return options, err
	}
	options.Virtualenv = virtualenv
	if err := setToolchain(&options, values); err != nil {
		return options, err
	}
	return options, setTypechecker(&options, values)
}

func setToolchain(options *toolchain.PythonOptions, values map[string]any) error {
	name, err := text(values, "toolchain")
	if err != nil {
		return err
	}
	switch name {
	case "":
		options.Toolchain = toolchain.Auto
	case "pip":
		options.Toolchain = toolchain.Pip
	case "poetry":
		options.Toolchain = toolchain.Poetry
	case "uv":
		options.Toolchain = toolchain.Uv
	default:
		return fmt.Errorf("runtime.options.toolchain is %q: it can be pip, poetry or uv", name)
	}
	return nil
}

func setTypechecker(options *toolchain.PythonOptions, values map[string]any) error {
	name, err := text(values, "typechecker")
	if err != nil {
		return err
	}
	switch name {
	case "":
		options.Typechecker = toolchain.TypeCheckerNone
	case "mypy":
		options.Typechecker = toolchain.TypeCheckerMypy
	case "pyright":
		options.Typechecker = toolchain.TypeCheckerPyright
	default:
		return fmt.Errorf("runtime.options.typechecker is %q: it can be mypy or pyright", name)
	}
	return nil
}

func text(values map[string]any, key string) (string, error) {
	switch value := values[key].(type) {
	case nil:
		return "", nil
	case string:
		return value, nil
	default:
		return "", fmt.Errorf("runtime.options.%s is %v: it must be text", key, value)
	}
}
