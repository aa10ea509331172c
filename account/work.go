package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"github.com/go-passport/passport/internal/sqldb"
	"github.com/go-passport/passport/oauth"
)

// The query steps through the index, one step for each algorithm and cost, so that a
// sign-in does not scan the table.
const (
	selectNextCost = `SELECT password_cost FROM passport_users WHERE password_cost > ? ORDER BY password_cost LIMIT 1`
	maxCosts       = 100

	// PostgreSQL has an index on an expression, because adding a column would rewrite
	// the table. The query must repeat the expression
	// (migrations/postgres/0002_field.sql).
	postgresCost = `(CASE WHEN password LIKE '$argon2id$%' THEN split_part(password, '$', 4) ELSE substr(password, 1, 7) END COLLATE "C")`

	selectNextCostPostgres = `SELECT ` + postgresCost + ` FROM passport_users WHERE ` + postgresCost + ` > ? ORDER BY ` + postgresCost + ` LIMIT 1`
)

// work is the hashing that one sign-in does: the most expensive hash of each algorithm
// in the table. It is the same whether the account exists or not. Otherwise the
// response time would reveal which addresses have an account.
type work struct {
	argon2 argon2Params
	bcrypt int // the cost; 0 if no hash is bcrypt
}

// leastWork returns the work for a table that has only hashes of the current cost.
func leastWork() work { return work{argon2: current()} }

// work returns the work of a sign-in. It queries the database each time, because
// another node may import accounts.
func (a *Accounts) work(ctx context.Context) (work, error) {
	w, last, q := leastWork(), "", selectNextCost
	if a.config.Dialect == sqldb.Postgres {
		q = selectNextCostPostgres
	}
	for range maxCosts {
		err := a.db.Row(ctx, q, func(row sqldb.Row) error { return row.Scan(&last) }, last)
		if errors.Is(err, oauth.ErrNotFound) {
			break
		}
		if err != nil {
			return w, fmt.Errorf("find the most expensive password hash: %w", err)
		}
		w = w.with(last)
	}
	return w, nil
}

// with returns the work that also covers a hash of this cost: "m=19456,t=2,p=1" for
// argon2id, or "$2y$12$" for bcrypt. It ignores a cost that is never computed.
func (w work) with(cost string) work {
	if rest := strings.Repeat(".", bcryptTail); isBcrypt(cost + rest) {
		n, _ := bcrypt.Cost([]byte(cost + rest))
		w.bcrypt = max(w.bcrypt, n)
	} else if cost == argon2iCost && argon2iWork.units() > w.argon2.units() {
		w.argon2 = argon2iWork
	} else if p, ok := parseParams(cost); ok && p.units() > w.argon2.units() {
		w.argon2 = p
	}
	return w
}

// argon2iCost is what the table has as the cost of every argon2i hash: the column shows
// parameters of argon2id only. So the work covers the most that argon2i may cost, which
// is the default of PHP.
const argon2iCost = "$argon2"

var argon2iWork = argon2Params{memory: 64 << 10, time: 4, threads: 1}

// argon2i is the name of the algorithm in a hash.
const argon2i = "argon2i"

// bcryptTail is the length of salt and key in a bcrypt hash.
const bcryptTail = 53

// units returns the work of argon2id: memory times passes.
func (p argon2Params) units() uint64 { return uint64(p.memory) * uint64(p.time) }

// spendRest does the rest of the work w after done, and drops the results.
func (h *hasher) spendRest(password string, w, done work) {
	for _, cost := range restOfBcrypt(w.bcrypt, done.bcrypt) {
		h.bcrypt(fmt.Sprintf("$2a$%02d$%s", cost, strings.Repeat(".", bcryptTail)), password)
	}
	if p, ok := restOfArgon2(w.argon2, done.argon2); ok {
		h.argon2(p, password, make([]byte, 16), 32)
	}
}

// restOfBcrypt returns the costs that add up to the difference between all and done.
// The work of bcrypt doubles with each step of its cost.
func restOfBcrypt(all, done int) (costs []int) {
	if done == 0 && all > 0 {
		return []int{all}
	}
	for cost := done; cost < all; cost++ {
		costs = append(costs, cost)
	}
	return costs
}

// restOfArgon2 returns parameters for the difference between all and done. ok is false
// if argon2id can't compute that difference.
func restOfArgon2(all, done argon2Params) (p argon2Params, ok bool) {
	if done.units() == 0 {
		return all, true
	}
	if done.units() >= all.units() {
		return p, false
	}
	rest := all.units() - done.units()
	p = all
	p.time = uint32((rest + uint64(all.memory) - 1) / uint64(all.memory))
	p.memory = uint32(rest / uint64(p.time))
	return p, p.memory >= 8*uint32(p.threads)
}
