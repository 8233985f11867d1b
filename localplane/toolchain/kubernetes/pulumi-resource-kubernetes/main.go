// Command pulumi-resource-kubernetes is Pulumi's Kubernetes provider, its published code unchanged.
//
// The provider's own main embeds two files made by its release process, which its module does not carry.
// The build puts them here, made from the module's schema.json and terraform-mapping.json (localplane/gobuild.py).
package main

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

//go:embed schema.json
var schema []byte

//go:embed terraform-mapping.json
var terraformMapping []byte

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println(version.Version)
		return
	}
	provider.Serve("kubernetes", version.Version, schema, terraformMapping)
}
