package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// instruction is a line of the Dockerfile, such as RUN go mod download.
type instruction struct{ name, value string }

func dockerfile(t *testing.T) (all []instruction) {
	t.Helper()
	for line := range strings.Lines(read(t, "docker/Dockerfile")) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && name != "#" {
			all = append(all, instruction{name, value})
		}
	}
	return all
}

// last returns the value of the last instruction with a name.
func last(t *testing.T, name string) string {
	t.Helper()
	value := ""
	for _, i := range dockerfile(t) {
		if i.name == name {
			value = i.value
		}
	}
	if value == "" {
		t.Fatalf("docker/Dockerfile has no %s", name)
	}
	return value
}

func TestDocker_CommandAndSettingsExist(t *testing.T) {
	var entry, command []string
	if err := json.Unmarshal([]byte(last(t, "ENTRYPOINT")), &entry); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(last(t, "CMD")), &command); err != nil {
		t.Fatal(err)
	}
	checkCommand(t, command)
	copied := false
	for _, i := range dockerfile(t) {
		switch i.name {
		case "COPY":
			copied = copied || strings.HasSuffix(i.value, " "+entry[0])
		case "ENV":
			name, value, _ := strings.Cut(i.value, "=")
			checkVariable(t, name)
			if name == "PASSPORT_LISTEN" && !strings.HasSuffix(value, ":"+last(t, "EXPOSE")) {
				t.Errorf("the server listens on %s, and the image exposes %s", value, last(t, "EXPOSE"))
			}
		}
	}
	if !copied {
		t.Errorf("no COPY makes %s", entry[0])
	}
	if user := last(t, "USER"); user == "root" || strings.HasPrefix(user, "0") {
		t.Errorf("the server runs as %s", user)
	}
}

// The version of Go in the image is that of go.mod.
func TestDocker_GoVersion(t *testing.T) {
	image, _, _ := strings.Cut(dockerfile(t)[0].value, " ")
	version, ok := strings.CutPrefix(image, "golang:")
	if !ok || !strings.Contains(read(t, "../go.mod"), "\ngo "+version+".") {
		t.Errorf("the image builds with %s, and go.mod wants another version", image)
	}
}

// The context of the build has every file that the program is built from.
func TestDocker_ContextHasAllFiles(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{range .GoFiles}}{{$.Dir}}/{{.}}\n{{end}}{{range .EmbedFiles}}{{$.Dir}}/{{.}}\n{{end}}", "./cmd/passport")
	list.Dir = ".."
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	kinds, excluded := ignored(t)
	count := 0
	for file := range strings.FieldsSeq(string(out)) {
		name, ours := strings.CutPrefix(filepath.ToSlash(file), filepath.ToSlash(top)+"/")
		if !ours {
			continue // of another module
		}
		count++
		if !kinds[path.Ext(name)] || slices.ContainsFunc(excluded, func(folder string) bool { return strings.HasPrefix(name, folder+"/") }) {
			t.Errorf("docker/Dockerfile.dockerignore leaves out %s, which the program is built from", name)
		}
	}
	if count < 200 {
		t.Errorf("the program is built from %d files of this repository, want more", count)
	}
}

// ignored returns the kinds of files that docker/Dockerfile.dockerignore keeps, and
// the folders that it leaves out.
func ignored(t *testing.T) (kinds map[string]bool, folders []string) {
	t.Helper()
	kinds = map[string]bool{}
	for line := range strings.Lines(read(t, "docker/Dockerfile.dockerignore")) {
		line = strings.TrimSpace(line)
		switch pattern, kept := strings.CutPrefix(line, "!"); {
		case kept:
			kinds[path.Ext(pattern)] = true
		case line != "" && !strings.ContainsAny(line, "*#"):
			folders = append(folders, line)
		}
	}
	return kinds, folders
}
