// Checks manifests as kubectl-validate does, with its own validator: check VERSION FOLDER-OF-CRDS FILE ...
// It never asks a cluster, and knows no CustomResourceDefinition but those of the folder.
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/utils"
	"sigs.k8s.io/kubectl-validate/pkg/validator"
)

func main() {
	version, crds, files := os.Args[1], os.Args[2], os.Args[3:]
	known, err := validator.New(openapiclient.NewComposite(
		openapiclient.NewLocalCRDFiles(os.DirFS(crds)),
		openapiclient.NewOverlay(openapiclient.HardcodedPatchLoader(version), openapiclient.NewHardcodedBuiltins(version)),
	))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	bad := 0
	for _, file := range files {
		fmt.Printf("%s ... ", file)
		errs := check(known, file)
		if len(errs) == 0 {
			fmt.Println("OK")
			continue
		}
		fmt.Println("ERROR")
		for _, err := range errs {
			fmt.Fprintln(os.Stderr, err)
		}
		bad = 1
	}
	os.Exit(bad)
}

func check(known *validator.Validator, file string) (errs []error) {
	bytes, err := os.ReadFile(file)
	if err != nil {
		return []error{err}
	}
	documents, err := utils.SplitYamlDocuments(bytes)
	if err != nil {
		return []error{err}
	}
	for _, document := range documents {
		if utils.IsEmptyYamlDocument(document) {
			continue
		}
		_, parsed, err := known.Parse(document)
		if err == nil {
			err = known.Validate(parsed)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
