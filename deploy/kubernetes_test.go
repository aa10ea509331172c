package deploy_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of kubernetes/passport.yaml.
type manifests struct {
	secret     corev1.Secret
	config     corev1.ConfigMap
	migrate    batchv1.Job
	deployment appsv1.Deployment
	budget     policyv1.PodDisruptionBudget
	service    corev1.Service
	ingress    networkingv1.Ingress
}

// kubernetes decodes the manifests. An unknown field, a repeated field and a wrong
// type are errors.
func kubernetes(t *testing.T) *manifests {
	t.Helper()
	m := &manifests{}
	into := map[string]any{
		"v1 Secret": &m.secret, "v1 ConfigMap": &m.config, "batch/v1 Job": &m.migrate, "apps/v1 Deployment": &m.deployment,
		"policy/v1 PodDisruptionBudget": &m.budget, "v1 Service": &m.service, "networking.k8s.io/v1 Ingress": &m.ingress,
	}
	for document := range strings.SplitSeq(read(t, "kubernetes/passport.yaml"), "\n---\n") {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
			t.Fatal(err)
		}
		name := kind.APIVersion + " " + kind.Kind
		if into[name] == nil {
			t.Fatalf("kubernetes/passport.yaml has a %s a second time, or the test doesn't know the type", name)
		}
		if err := yaml.UnmarshalStrict([]byte(document), into[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		delete(into, name)
	}
	for name := range into {
		t.Errorf("kubernetes/passport.yaml has no %s", name)
	}
	return m
}

// containers returns the container of the Deployment and that of the Job.
func (m *manifests) containers(t *testing.T) []corev1.Container {
	t.Helper()
	pods := []corev1.PodSpec{m.deployment.Spec.Template.Spec, m.migrate.Spec.Template.Spec}
	var all []corev1.Container
	for _, pod := range pods {
		if len(pod.Containers) != 1 {
			t.Fatalf("a pod has %d containers, want 1", len(pod.Containers))
		}
		all = append(all, pod.Containers[0])
	}
	return all
}

func TestKubernetes_SettingsExist(t *testing.T) {
	m := kubernetes(t)
	for name := range m.secret.StringData {
		checkVariable(t, name)
	}
	for _, c := range m.containers(t) {
		checkCommand(t, c.Args)
		for _, v := range c.Env {
			checkVariable(t, v.Name)
		}
		for _, from := range c.EnvFrom {
			if from.SecretRef == nil || from.SecretRef.Name != m.secret.Name {
				t.Errorf("%s reads variables from %v, want the Secret %s", c.Name, from, m.secret.Name)
			}
		}
		i := slices.Index(c.Args, "--config")
		if i < 0 || len(c.VolumeMounts) != 1 {
			t.Fatalf("%s has arguments %v and mounts %v, want --config and its file", c.Name, c.Args, c.VolumeMounts)
		}
		folder, file := filepath.Split(c.Args[i+1])
		if _, ok := m.config.Data[file]; !ok || filepath.Clean(folder) != c.VolumeMounts[0].MountPath {
			t.Errorf("%s reads %s, which isn't in the ConfigMap or isn't mounted", c.Name, c.Args[i+1])
		}
	}
}

func TestKubernetes_PortsAgree(t *testing.T) {
	m := kubernetes(t)
	c := m.containers(t)[0]
	settings := decodeSettings(t, m.config.Data["passport.toml"])
	if len(c.Ports) != 1 || portOf(t, settings["listen"]) != c.Ports[0].ContainerPort {
		t.Fatalf("the container has the ports %v, and the server listens on %v", c.Ports, settings["listen"])
	}
	port := c.Ports[0].Name
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe} {
		if probe.HTTPGet.Port != intstr.FromString(port) {
			t.Errorf("a probe asks the port %v, want %s", probe.HTTPGet.Port, port)
		}
	}
	if p := m.service.Spec.Ports; len(p) != 1 || p[0].TargetPort != intstr.FromString(port) {
		t.Errorf("the Service has the ports %v, want the target %s", p, port)
	}
	backend := m.ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
	if backend.Name != m.service.Name || backend.Port.Name != m.service.Spec.Ports[0].Name {
		t.Errorf("the Ingress leads to %v, want the Service %s", backend, m.service.Name)
	}
	host := m.ingress.Spec.Rules[0].Host
	if settings["issuer"] != "https://"+host || m.ingress.Spec.TLS[0].Hosts[0] != host {
		t.Errorf("the issuer is %v, and the Ingress is for %s with TLS for %v", settings["issuer"], host, m.ingress.Spec.TLS)
	}
	labels := m.deployment.Spec.Template.Labels
	for name, selector := range map[string]map[string]string{
		"Deployment": m.deployment.Spec.Selector.MatchLabels, "Service": m.service.Spec.Selector, "PodDisruptionBudget": m.budget.Spec.Selector.MatchLabels,
	} {
		for key, value := range selector {
			if labels[key] != value {
				t.Errorf("the selector of the %s has %s=%s, and the pods %v", name, key, value, labels)
			}
		}
	}
}

// A pod stops within its grace period, and no pod needs root or a writable root.
func TestKubernetes_Pods(t *testing.T) {
	m := kubernetes(t)
	if n := m.deployment.Spec.Replicas; n == nil || *n != 2 {
		t.Errorf("the Deployment has %v replicas, want 2", n)
	}
	const finish = 10 // seconds in which running requests finish
	drain := seconds(t, decodeSettings(t, m.config.Data["passport.toml"])["drain_delay"])
	if grace := m.deployment.Spec.Template.Spec.TerminationGracePeriodSeconds; grace == nil || *grace <= drain+finish {
		t.Errorf("the grace period is %v, want more than drain_delay and %d s", grace, finish)
	}
	if probe := m.containers(t)[0].ReadinessProbe; drain <= int64(probe.PeriodSeconds*probe.FailureThreshold) {
		t.Errorf("drain_delay is %d s, and a pod is not ready after %d failed probes, one each %d s", drain, probe.FailureThreshold, probe.PeriodSeconds)
	}
	for _, pod := range []corev1.PodSpec{m.deployment.Spec.Template.Spec, m.migrate.Spec.Template.Spec} {
		if pod.SecurityContext.RunAsNonRoot == nil || !*pod.SecurityContext.RunAsNonRoot {
			t.Error("a pod may run as root")
		}
		if c := pod.Containers[0].SecurityContext; !*c.ReadOnlyRootFilesystem || *c.AllowPrivilegeEscalation {
			t.Error("a container may write to its root, or get privileges")
		}
	}
}

// The binary migrates and serves with the settings of the manifests, and responds at
// the paths of the probes. Its folders can't be written.
func TestKubernetes_BinaryRuns(t *testing.T) {
	m := kubernetes(t)
	config := filepath.Join(t.TempDir(), "passport.toml")
	if err := os.WriteFile(config, []byte(m.config.Data["passport.toml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := []string{
		"PASSPORT_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "passport.sqlite"),
		"PASSPORT_KEYS_SECRET=" + randomSecret(),
		"PASSPORT_DRAIN_DELAY=0s",
	}
	for name := range m.secret.StringData {
		if !slices.ContainsFunc(environment, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
			t.Errorf("the test does not know what %s is for", name)
		}
	}
	serve, migrate := m.containers(t)[0], m.containers(t)[1]
	i := slices.Index(serve.Args, "--config") + 1
	serve.Args[i], migrate.Args[i] = config, config
	dir := t.TempDir()
	p := process{dir: dir, env: environment}
	p.command(t, migrate.Args...)
	address := p.serve(t, serve.Args...)
	for _, probe := range []*corev1.Probe{serve.LivenessProbe, serve.ReadinessProbe} {
		wantStatus(t, "http://"+address+probe.HTTPGet.Path, 200)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("the server wrote %v to its folder (%v), which is read-only in the container", left, err)
	}
}
