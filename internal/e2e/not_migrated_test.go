package e2e_test

import (
	"strings"
	"testing"
)

// A server that may not migrate names the command that does, on each database.
func TestE2E_NotMigrated_NamesTheCommand(t *testing.T) {
	for _, kind := range []string{"sqlite", "postgres", "mysql"} {
		t.Run(kind, func(t *testing.T) {
			s := newServer(t)
			s.env = append(s.env, "PASSPORT_MIGRATE_ON_START=false")
			if kind != "sqlite" {
				s.env = append(s.env, "PASSPORT_DATABASE_URL="+freshDatabase(t, kind))
			}
			s.run(t, "serve", "--listen", freeAddress(t))
			<-s.ended
			if log := s.log.String(); s.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(log, `run "passport migrate"`) {
				t.Errorf("serve ended with %v and printed\n%s\nwant status 1, and the command to run", s.err, log)
			}
		})
	}
}
