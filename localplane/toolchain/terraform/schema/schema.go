// Package schema holds what the providers made from Terraform providers share: their Pulumi schema, made
// when the provider starts, and their versions.
//
// Pulumi's release process makes the schema once, with documentation, and embeds it. Nothing here reads the
// documentation, and what is made at start cannot differ from the provider that serves it.
package schema

import (
	"encoding/json"
	"io"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfgen"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
)

// The versions of the Python packages that the providers serve, set by the linker (localplane/parts.toml).
var (
	RandomVersion     string
	PostgresqlVersion string
)

// Of answers the provider's Pulumi schema as JSON; it ends the process when there is none.
func Of(info tfbridge.ProviderInfo) []byte {
	// Missing documentation would be reported here, and the engine reads standard output.
	silent := diag.DefaultSink(io.Discard, io.Discard, diag.FormatOptions{Color: colors.Never})
	generated, err := tfgen.GenerateSchemaWithOptions(tfgen.GenerateSchemaOptions{
		ProviderInfo: info, DiagnosticsSink: silent, XInMemoryDocs: true,
	})
	if err != nil {
		cmdutil.ExitError(err.Error())
	}
	schema, err := json.Marshal(generated.PackageSpec)
	if err != nil {
		cmdutil.ExitError(err.Error())
	}
	return schema
}
