// Command schemas writes random/schema.json and postgresql/schema.json below the folder it is given.
//
// Run it when the version of a provider or of the bridge moves: build it, change into an empty folder outside
// the repository (the generator reads a Pulumi.yaml that it finds above), and give it this module's folder.
// The providers do not make their schema themselves when they start, for that same reason.
package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"

	"github.com/terraform-providers/terraform-provider-random/agent-ready-k8s/postgresql"
	"github.com/terraform-providers/terraform-provider-random/agent-ready-k8s/random"
)

func main() {
	for _, info := range []tfbridge.ProviderInfo{random.Info(), postgresql.Info()} {
		if err := write(info, filepath.Join(os.Args[1], info.Name, "schema.json")); err != nil {
			panic(err)
		}
	}
}

func write(info tfbridge.ProviderInfo, path string) error {
	silent := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	generated, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo: info, DiagnosticsSink: silent, XInMemoryDocs: true,
	})
	if err != nil {
		return err
	}
	generated.PackageSpec.Version = ""
	schema, err := json.MarshalIndent(generated.PackageSpec, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(schema, '\n'), 0o644) //nolint:gosec // it is committed
}
