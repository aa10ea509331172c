package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// within is the goal: the ratio to the ceiling for CPU time and for requests per
// second.
const within = 1.3

func printTable(kind string, all []measured) {
	fmt.Printf("\n**%s**: requests per second, CPU milliseconds of the process per request\n\n", title(kind))
	fmt.Println("| request | connections | ceiling | Passport | CPU: ratio | (pairs) | requests: ratio | p99 of both | |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for _, m := range all {
		a, b := sum(m.ceiling), sum(m.passport)
		cpu := m.ratios(func(a, b outcome) float64 { return b.cpuEach() / a.cpuEach() })
		rate := m.ratios(func(a, b outcome) float64 { return a.perSecond() / b.perSecond() })
		fmt.Printf("| %s | %d | %s · %.3f | %s · %.3f | **%.2f** | %.2f to %.2f | **%.2f** | %s, %s | %s |\n", m.name, m.connections,
			thousands(a.perSecond()), a.cpuEach(), thousands(b.perSecond()), b.cpuEach(),
			median(cpu), slices.Min(cpu), slices.Max(cpu), median(rate), millis(a.percentile(99)), millis(b.percentile(99)), verdict(median(cpu), median(rate)))
	}
}

func verdict(cpu, rate float64) string {
	switch {
	case cpu <= within && rate <= within:
		return "met"
	case rate <= within:
		return "CPU missed"
	case cpu <= within:
		return "requests missed"
	}
	return "missed"
}

func sum(all []outcome) (total outcome) {
	for _, o := range all {
		total = total.join(o)
	}
	return total
}

// ratios returns the ratio of each pair. A disturbance of the machine affects
// both parts of a pair.
func (m measured) ratios(of func(ceiling, passport outcome) float64) (all []float64) {
	for i := range m.ceiling {
		all = append(all, of(m.ceiling[i], m.passport[i]))
	}
	return all
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func thousands(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	if len(s) > 3 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func title(kind string) string {
	return map[string]string{"sqlite": "SQLite", "postgres": "PostgreSQL"}[kind]
}

func printResources(kind string, r resources) {
	fmt.Printf("\nThe passport command over %s: %.0f MB of memory at rest, %.0f MB at most under load, ready %.0f ms after its start, %.1f MB on disk.\n",
		title(kind), r.rest, r.load, float64(r.startup.Microseconds())/1000, r.size)
}

// machine describes the machine of the measurement.
func machine(folder string) string {
	model := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo") // optional
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	said := fmt.Sprintf("%d × %s, %s, %s/%s; a flush of the disk takes %s.", runtime.NumCPU(), model, runtime.Version(), runtime.GOOS, runtime.GOARCH, flush(folder))
	var fs syscall.Statfs_t
	const tmpfs = 0x01021994
	if syscall.Statfs(folder, &fs) == nil && fs.Type == tmpfs {
		said += " The folder for SQLite's files is in memory: set another one with -folder."
	}
	return said + postgresSays()
}

// flush returns the time that the disk takes to write a page durably.
func flush(folder string) string {
	file, err := os.Create(filepath.Join(folder, "flush"))
	if err != nil {
		return "an unknown time"
	}
	defer os.Remove(file.Name())
	defer file.Close()
	var all []float64
	page := bytes.Repeat([]byte("x"), 4096)
	for range 50 {
		begin := time.Now()
		if _, err := file.Write(page); err != nil || file.Sync() != nil {
			return "an unknown time"
		}
		all = append(all, float64(time.Since(begin).Microseconds())/1000)
	}
	return fmt.Sprintf("%.2f ms", median(all))
}

// postgresSays returns whether PostgreSQL waits for its disk.
func postgresSays() string {
	db, err := sql.Open("pgx", os.Getenv(postgresVariable))
	if err != nil || os.Getenv(postgresVariable) == "" {
		return ""
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	said := []string{" PostgreSQL"}
	for _, name := range []string{"server_version", "fsync", "synchronous_commit", "full_page_writes"} {
		value := "?"
		_ = db.QueryRowContext(ctx, "SHOW "+name).Scan(&value)
		said = append(said, name+" "+value)
	}
	return strings.Join(said, ", ") + "."
}
