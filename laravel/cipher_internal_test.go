package laravel

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-passport/passport/internal/feature"
	"github.com/go-passport/passport/internal/testkit"
)

// phpCiphertext is a code that PHP encrypted with the key of 32 bytes 00 to 1f.
const phpCiphertext = "def5020050a7c688b3fcd524ad06e0c0c789e74071b5a33b3035b17aad37c853ad4fab5da5ec0a8bc9ba59e30fd35d7222fff148a1ac3c9b4001dd67b39ed233e41df4d8f4232fd5516a59f92c4030f0f20b374bd30b7155b867c2146fbd45e22b8c810f40bbe8b369ae434a08c3df35ceb3d0a521e71244af447fcf50f0959b12526bac61a9bc7f1f43d459a4ab38130dff83dfbfba3a5f65309d4373834afbb981e9da4886ded372bb67fe5567d735d97d4c9b4e2c6969179ddbccf1c5a9b63d67eb2d6236de56cfaad25c35a913f7798db8a7f3a0c9f31f052fef6256b4086c34fdd2a676c7bd36c3b709c6a695db123e06f2fd050ad116cf9617418a466f1a01dd6f9e3d88e8428c4cadb680bb2829ecf7e882ffc138c446cd504d071bedb04c4077244a066c1e9c09e16253f04255b74086c3418432feddb778ba19b251d9536ffec07790ade639146ec1156b5e1ffae0289052e28b90ce477060d2efb29af02fd46d17d4c7bb0963992af749e1534a7ed498"

const phpKey = "base64:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDecrypt_LP_2_OfPHP(t *testing.T) {
	key, err := parseAppKey(phpKey)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"client_id":"4","redirect_uri":"http:\/\/localhost:9999\/cb","auth_code_id":"0922731c046b15386d697f5105a4f8e06c74e9b5dd4f2fc4f4cc34b0a933bd8746a7f40eb59910ad","scopes":["place-orders","check-status"],"user_id":2,"expire_time":1795423471,"code_challenge":null,"code_challenge_method":null}`
	got, err := decrypt(unhex(t, phpCiphertext), key)
	if err != nil || string(got) != want {
		t.Errorf("decrypt() of a ciphertext of PHP = %s, %v, want %s", got, err, want)
	}
	for i := 8; i < len(phpCiphertext); i += 97 { // each flip costs a derivation
		flipped := []byte(phpCiphertext)
		flipped[i] = "0123456789abcdef0"[strings.IndexByte("0123456789abcdef", flipped[i])+1]
		if got, err := decrypt(unhex(t, string(flipped)), key); err == nil {
			t.Errorf("decrypt() with another digit at %d = %s, want an error", i, got)
		}
	}
}

// busy takes all slots, so that nothing can be derived.
func busy(d *derivations) { d.free = 0 }

func withKeys(t *testing.T, d *derivations, texts ...string) *foreign {
	t.Helper()
	f := newForeign(d)
	for _, text := range texts {
		key, err := parseAppKey(text)
		if err != nil {
			t.Fatal(err)
		}
		f.appKeys = append(f.appKeys, key)
	}
	return f
}

const anotherKey = "0123456789abcdef0123456789abcdef"

func (f *foreign) opens(t *testing.T, value string) (string, error) {
	t.Helper()
	plain, err := f.decrypt(t.Context(), &feature.Presented{Value: value, Time: time.Now(), MayTry: always})
	return string(plain), err
}

// A spent refresh token that is sent again and again costs one derivation, in upper and
// lower case, and also if it was made with an older APP_KEY. Another value costs its own.
func TestDecrypt_LP_2_ASpentCiphertextCostsOnce(t *testing.T) {
	for name, keys := range map[string][]string{"the current": {phpKey}, "an older": {anotherKey, phpKey}} {
		synctest.Test(t, func(t *testing.T) {
			f := withKeys(t, newDerivations(1), keys...)
			first, err := f.opens(t, phpCiphertext)
			if err != nil || !strings.Contains(first, "auth_code_id") {
				t.Fatalf("decrypt() with %s key = %s, %v", name, first, err)
			}
			busy(f.slow)
			for what, value := range map[string]string{"again": phpCiphertext, "in upper case": strings.ToUpper(phpCiphertext)} {
				if again, err := f.opens(t, value); err != nil || again != first {
					t.Errorf("with %s key, the ciphertext %s = %s, %v without a free slot, want the remembered content", name, what, again, err)
				}
			}
			for what, value := range map[string]string{
				"with another last digit": phpCiphertext[:len(phpCiphertext)-1] + "9",
				"with another salt":       phpCiphertext[:8] + "f" + phpCiphertext[9:],
			} {
				if content, err := f.opens(t, value); !errors.Is(err, errBusy) {
					t.Errorf("the ciphertext %s = %s, %v without a free slot, want an error: it needs its own derivation", what, content, err)
				}
			}
			if content, err := f.opens(t, phpCiphertext[:len(phpCiphertext)-1]+"x"); !errors.Is(err, errCiphertext) {
				t.Errorf("a text that isn't hexadecimal = %s, %v, want errCiphertext without a derivation", content, err)
			}
		})
	}
}

// Values that are opened at the same time keep their own content.
func TestDecrypt_LP_2_DifferentCiphertextsShareNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // whose clock stands still while keys are derived
		f := withKeys(t, newDerivations(1), testkit.LaravelAppKey)
		var all sync.WaitGroup
		for _, clientID := range []string{"4", "5", "6", "7"} {
			value, want := testkit.LaravelCiphertext(t, map[string]any{"client_id": clientID}), `{"client_id":"`+clientID+`"}`
			for range 4 {
				all.Go(func() {
					if content, err := f.opens(t, value); err != nil || content != want {
						t.Errorf("the ciphertext of client %s = %s, %v, want %s", clientID, content, err, want)
					}
				})
			}
		}
		all.Wait()
	})
}

// A server in the same process with another APP_KEY doesn't get the content.
func TestDecrypt_LP_2_ServersShareNothing(t *testing.T) {
	d := newDerivations(1)
	if content, err := withKeys(t, d, phpKey).opens(t, phpCiphertext); err != nil {
		t.Fatalf("decrypt() = %s, %v", content, err)
	}
	if content, err := withKeys(t, d, anotherKey).opens(t, phpCiphertext); !errors.Is(err, errCiphertext) {
		t.Errorf("a server with another APP_KEY opens the ciphertext = %s, %v, want errCiphertext", content, err)
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(`{"client_id":"4","refresh_token_id":"a","access_token_id":"b","scopes":["x"],"user_id":2,"expire_time":1826958872}`)
	f.Add(`{"client_id":4,"auth_code_id":"a","scopes":[],"user_id":"u","expire_time":1,"redirect_uri":null,"code_challenge":"c","code_challenge_method":"plain"}`)
	f.Fuzz(func(t *testing.T, text string) {
		code, codeErr := parsePayload([]byte(text), "code")
		refresh, refreshErr := parsePayload([]byte(text), "refresh_token")
		if codeErr == nil && refreshErr == nil {
			t.Errorf("%q is both a code (%+v) and a refresh token (%+v)", text, code, refresh)
		}
	})
}

// No token verifies without a signature of the key.
func FuzzVerify(f *testing.F) {
	f.Add("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.e30.AA")
	f.Add("e30.e30.")
	key, err := rsa.GenerateKey(rand.Reader, smallestKey)
	if err != nil {
		f.Fatal(err)
	}
	all := &foreign{keys: []*rsa.PublicKey{&key.PublicKey}}
	f.Fuzz(func(t *testing.T, token string) {
		_ = all.IsAccessToken(token)
		if claims, err := all.verify(token, time.Now()); err == nil {
			t.Errorf("%q verifies: %+v", token, claims)
		}
	})
}

// A key without the mark base64: is the text itself.
func TestParseAppKey_LP_2_RawText(t *testing.T) {
	key, err := parseAppKey("0123456789abcdef0123456789abcdef")
	if err != nil || string(key) != "0123456789abcdef0123456789abcdef" {
		t.Errorf("parseAppKey() of a text without base64: = %q, %v, want the text itself", key, err)
	}
}
