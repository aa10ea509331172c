<?php
// Writes an installation of Laravel Passport as JSON: its tables, its keys, what it has
// issued, and how Laravel responds to that. It shares no code with the importer.
//
//	php generate.php FORM >installation.json
//
// FORM is integers (versions 9 to 12), uuids (12 with UUIDs and hashed secrets) or 13.

ini_set('serialize_precision', '-1');
$form = $argv[1];
$made = new DateTimeImmutable('2026-11-01 10:00:00 UTC');
$until = new DateTimeImmutable('2056-11-01 10:00:00 UTC');
$appKey = random_bytes(32);
$rsa = openssl_pkey_new(['private_key_bits' => 2048]);
openssl_pkey_export($rsa, $privatePEM);
$publicPEM = str_replace("\n", "\r\n", trim(openssl_pkey_get_details($rsa)['key']));

function encrypt(array $content): string {
	global $appKey;
	$salt = random_bytes(32);
	$iv = random_bytes(16);
	$stretched = hash_pbkdf2('sha256', hash('sha256', $appKey, true), $salt, 100000, 32, true);
	$auth = hash_hkdf('sha256', $stretched, 32, 'DefusePHP|V2|KeyForAuthentication', $salt);
	$cipher = hash_hkdf('sha256', $stretched, 32, 'DefusePHP|V2|KeyForEncryption', $salt);
	$raw = "\xDE\xF5\x02\x00" . $salt . $iv . openssl_encrypt(json_encode($content), 'aes-256-ctr', $cipher, OPENSSL_RAW_DATA, $iv);
	return bin2hex($raw . hash_hmac('sha256', $raw, $auth, true));
}

function base64url(string $raw): string { return rtrim(strtr(base64_encode($raw), '+/', '-_'), '='); }

function sign(array $claims, array $header = []): string {
	global $rsa;
	$flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE;
	$text = base64url(json_encode(['typ' => 'JWT', 'alg' => 'RS256'] + $header, $flags)) . '.' . base64url(json_encode($claims, $flags));
	openssl_sign($text, $signature, $rsa, OPENSSL_ALGO_SHA256);
	return $text . '.' . base64url($signature);
}

function at(?DateTimeImmutable $t): ?string { return $t?->format('Y-m-d H:i:s'); }

$integers = $form === 'integers';
$version13 = $form === '13';
$users = $integers ? ['ada' => 1, 'bob' => 2, 'staff' => 2] : [
	'ada' => '0193aaaa-0000-7000-8000-00000000000a', 'bob' => '0193aaaa-0000-7000-8000-00000000000b', 'staff' => '01jdx3k7q0v5w8z2r4t6y8abcd',
];
$clients = $rows = $cases = [];
$number = 0;

function client(string $name, array $row): void {
	global $clients, $rows, $number, $integers, $version13, $made, $form;
	$number++;
	$id = $row['id'] ?? ($integers ? $number : sprintf('0193cccc-0000-7000-8000-%012x', $number));
	$secret = $row['secret'] ?? null;
	$stored = $secret;
	if ($secret && !$integers) {
		$stored = password_hash($secret, PASSWORD_BCRYPT, ['cost' => $row['cost'] ?? 10]);
	}
	$created = array_key_exists('created', $row) ? $row['created'] : at($made->modify("+$number minutes"));
	$columns = ['id' => $id, 'name' => $row['name'] ?? ucfirst($name), 'secret' => $stored, 'provider' => $row['provider'] ?? null, 'revoked' => $row['revoked'] ?? false, 'created_at' => $created, 'updated_at' => $created];
	$uris = $row['uris'] ?? '';
	if ($version13) {
		$list = $uris === '' ? [] : array_map('trim', explode(',', $uris));
		$columns += ['owner_type' => isset($row['owner']) ? 'App\\Models\\User' : null, 'owner_id' => $row['owner'] ?? null, 'redirect_uris' => json_encode($list), 'grant_types' => json_encode($row['grants'])];
	} else {
		$columns += ['user_id' => $row['owner'] ?? null, 'redirect' => $uris, 'personal_access_client' => in_array('personal_access', $row['grants']), 'password_client' => in_array('password', $row['grants'])];
		if (in_array('personal_access', $row['grants'])) {
			$rows['oauth_personal_access_clients'][] = ['id' => $number, 'client_id' => $id, 'created_at' => $created, 'updated_at' => $created];
		}
	}
	$rows['oauth_clients'][] = $columns;
	$clients[$name] = ['id' => (string) $id, 'key' => $id, 'secret' => $secret, 'public' => !$secret];
}

// issue stores an access token with refresh tokens, and adds cases. Options: scopes (the
// column), expires, created, revoked, refresh (their number), refresh_revoked, sign.
function issue(string $name, string $client, $user, array $o): void {
	global $clients, $rows, $cases, $made, $until, $version13;
	$c = $clients[$client];
	$id = bin2hex(random_bytes(40));
	$scopes = $o['scopes'] ?? [];
	$rows['oauth_access_tokens'][] = [
		'id' => $id, 'user_id' => $user, 'client_id' => $c['key'], 'name' => $o['name'] ?? null, 'scopes' => array_key_exists('column', $o) ? $o['column'] : json_encode($scopes), 'revoked' => $o['revoked'] ?? false,
		'created_at' => array_key_exists('created', $o) ? $o['created'] : at($made), 'updated_at' => at($made), 'expires_at' => array_key_exists('expires', $o) ? $o['expires'] : at($until),
	];
	$time = fn (DateTimeImmutable $t, float $micro) => match ($o['times'] ?? 'float') {
		'int' => $t->getTimestamp(),
		'text' => $t->getTimestamp() . '.376222',
		default => $t->getTimestamp() + $micro,
	};
	$sub = $user === null ? ($version13 ? $c['id'] : '') : (string) $user;
	$token = sign(['aud' => $o['aud'] ?? $c['id'], 'jti' => $id, 'iat' => $time($made, 0.376222), 'nbf' => $time($made, 0.376225), 'exp' => $time($until, 0.350499), 'sub' => $sub, 'scopes' => $scopes], empty($o['header_jti']) ? [] : ['jti' => $id]);
	$cases[] = ['name' => $name, 'kind' => 'access', 'token' => $token, 'admitted' => $o['admitted'], 'scopes' => $o['here'] ?? $scopes];
	for ($n = 1; $n <= ($o['refresh'] ?? 0); $n++) {
		$rid = bin2hex(random_bytes(40));
		$rows['oauth_refresh_tokens'][] = ['id' => $rid, 'access_token_id' => $id, 'revoked' => $o['refresh_revoked'] ?? false, 'expires_at' => array_key_exists('refresh_expires', $o) ? $o['refresh_expires'] : at($until)];
		$value = encrypt(['client_id' => $o['aud'] ?? $c['id'], 'refresh_token_id' => $rid, 'access_token_id' => $id, 'scopes' => $o['payload_scopes'] ?? $scopes, 'user_id' => $user, 'expire_time' => $until->getTimestamp()]);
		redeem("$name, refresh token $n", $o['by'] ?? $client, ['grant_type' => 'refresh_token', 'refresh_token' => $value], $o['redeemed'] ?? true, $o['error'] ?? null, $o['here'] ?? $scopes);
	}
}

function redeem(string $name, string $client, array $form, bool $redeemed, ?string $error, array $scopes): void {
	global $clients, $cases;
	$form['client_id'] = $clients[$client]['id'];
	if ($clients[$client]['secret']) {
		$form['client_secret'] = $clients[$client]['secret'];
	}
	$cases[] = ['name' => $name, 'kind' => 'redeem', 'form' => array_map(fn ($value) => [$value], $form), 'redeemed' => $redeemed, 'error' => $error, 'scopes' => $scopes];
}

function code(string $name, string $client, $user, array $o): void {
	global $clients, $rows, $until;
	$c = $clients[$client];
	$id = bin2hex(random_bytes(40));
	$scopes = $o['scopes'] ?? ['place-orders'];
	$rows['oauth_auth_codes'][] = ['id' => $id, 'user_id' => $user, 'client_id' => $c['key'], 'scopes' => json_encode($scopes), 'revoked' => $o['revoked'] ?? false, 'expires_at' => array_key_exists('expires', $o) ? $o['expires'] : at($until)];
	$verifier = rtrim(strtr(base64_encode(random_bytes(48)), '+/', '-_'), '=');
	$method = $o['method'] ?? null;
	$challenge = match ($o['pkce'] ?? 'none') {
		'S256' => base64url(hash('sha256', $verifier, true)),
		'plain' => $verifier,
		'none' => null,
	};
	$value = encrypt(['client_id' => $c['id'], 'redirect_uri' => $o['uri'], 'auth_code_id' => $id, 'scopes' => $scopes, 'user_id' => $user, 'expire_time' => $until->getTimestamp(), 'code_challenge' => $challenge, 'code_challenge_method' => $method]);
	$form = ['grant_type' => 'authorization_code', 'code' => $value];
	if ($o['uri'] !== null) {
		$form['redirect_uri'] = $o['uri'];
	}
	if ($challenge !== null) {
		$form['code_verifier'] = $verifier;
	}
	redeem("code $name", $o['by'] ?? $client, $form, $o['redeemed'] ?? true, $o['error'] ?? null, array_values(array_diff($scopes, ['*'])));
}

function secret(): string { return substr(bin2hex(random_bytes(20)), 0, 40); }

$web = ['authorization_code', 'refresh_token'];
client('web', ['secret' => secret(), 'uris' => 'https://app.example/cb,https://app.example/second', 'grants' => [...$web, 'client_credentials'], 'owner' => $users['ada']]);
client('spaced', ['secret' => secret(), 'uris' => 'https://a.example/cb, https://b.example/cb', 'grants' => $web]);
client('spa', ['uris' => 'https://spa.example/cb', 'grants' => $web]);
client('phone', ['secret' => $version13 ? null : '', 'uris' => 'com.example.app:/cb,http://localhost:8080/cb,http://127.0.0.1/cb', 'grants' => $web]);
client('fragment', ['secret' => secret(), 'uris' => 'https://f.example/cb#part', 'grants' => $web]);
client('machine', ['secret' => secret(), 'cost' => 12, 'grants' => ['client_credentials']]);
client('password', ['secret' => secret(), 'uris' => 'http://localhost', 'provider' => 'users', 'grants' => ['password', 'refresh_token']]);
client('staff password', ['secret' => secret(), 'uris' => 'http://localhost', 'provider' => 'staff', 'grants' => ['password', 'refresh_token']]);
client('personal', ['secret' => secret(), 'uris' => 'http://localhost', 'grants' => ['personal_access']]);
if ($version13) { // one for each provider
	client('staff personal', ['secret' => secret(), 'provider' => 'staff', 'grants' => ['personal_access']]);
	client('old personal', ['secret' => secret(), 'grants' => ['personal_access'], 'created' => null]);
}
client('revoked', ['secret' => secret(), 'uris' => 'https://r.example/cb', 'grants' => $web, 'revoked' => true]);
client('short', ['secret' => 'short-one!', 'uris' => 'https://s.example/cb', 'grants' => $web, 'name' => str_repeat("\u{1F6D2}", 255), 'created' => null]);
if ($form === 'uuids') {
	client('upper', ['id' => '0193CCCC-0000-7000-8000-00000000ABCD', 'secret' => secret(), 'uris' => 'https://u.example/cb', 'grants' => $web]);
}

$both = ['place-orders', 'check-status'];
issue('two refresh tokens', 'web', $users['ada'], ['scopes' => $both, 'refresh' => 2, 'admitted' => ['user']]);
issue('no scopes', 'web', $users['ada'], ['refresh' => 1, 'admitted' => ['user']]);
issue('scopes are NULL', 'web', $users['bob'], ['column' => null, 'refresh' => 1, 'admitted' => ['user']]);
issue('scopes are the text null', 'web', $users['bob'], ['column' => 'null', 'admitted' => ['user']]);
issue('scopes are an object', 'web', $users['bob'], ['column' => '{"0":"place-orders","2":"check-status"}', 'payload_scopes' => (object) ['0' => 'place-orders', '2' => 'check-status'], 'here' => $both, 'refresh' => 1, 'admitted' => ['user']]);
issue('no times', 'web', $users['ada'], ['scopes' => $both, 'created' => null, 'expires' => null, 'refresh_expires' => null, 'refresh' => 1, 'admitted' => ['user']]);
issue('whole seconds', 'web', $users['ada'], ['scopes' => $both, 'times' => 'int', 'admitted' => ['user']]);
issue('times as text', 'web', $users['ada'], ['scopes' => $both, 'times' => 'text', 'admitted' => ['user']]);
issue('jti in the header', 'web', $users['ada'], ['scopes' => $both, 'times' => 'int', 'header_jti' => true, 'admitted' => ['user']]);
issue('revoked', 'web', $users['ada'], ['revoked' => true, 'refresh' => 1, 'admitted' => []]);
issue('revoked with its refresh token', 'web', $users['bob'], ['revoked' => true, 'refresh' => 1, 'refresh_revoked' => true, 'redeemed' => false, 'error' => 'invalid_grant', 'admitted' => []]);
issue('of another client', 'web', $users['ada'], ['refresh' => 1, 'by' => 'spaced', 'redeemed' => false, 'error' => 'invalid_grant', 'admitted' => ['user']]);
issue('many scopes', 'web', $users['ada'], ['scopes' => array_map(fn ($n) => sprintf('organization.permissions:%03d', $n), range(0, 99)), 'refresh' => 1, 'admitted' => ['user']]);
issue('spaced', 'spaced', $users['ada'], ['scopes' => $both, 'refresh' => 1, 'admitted' => ['user']]);
issue('public', 'spa', $users['ada'], ['scopes' => $both, 'refresh' => 1, 'admitted' => ['user']]);
issue('phone', 'phone', $users['ada'], ['scopes' => $both, 'refresh' => 1, 'admitted' => ['user']]);
issue('machine', 'machine', null, ['scopes' => ['*'], 'admitted' => ['client']]);
issue('machine of a password client', 'password', null, ['scopes' => $both, 'admitted' => ['client']]);
issue('password', 'password', $users['bob'], ['scopes' => ['*'], 'here' => ['*'], 'refresh' => 1, 'admitted' => ['user']]);
issue('staff', 'staff password', $users['staff'], ['scopes' => $both, 'refresh' => 1, 'admitted' => ['staff']]);
issue('personal', 'personal', $users['ada'], ['scopes' => $both, 'name' => "Deploy \u{1F680}", 'admitted' => ['user']]);
issue('revoked client', 'revoked', $users['ada'], ['refresh' => 1, 'redeemed' => false, 'error' => 'invalid_client', 'admitted' => []]);
issue('short secret', 'short', $users['ada'], ['scopes' => $both, 'refresh' => 1, 'admitted' => ['user']]);
if ($version13) {
	issue('staff personal', 'staff personal', $users['staff'], ['scopes' => $both, 'name' => 'Staff', 'admitted' => ['staff']]);
}
if ($form === 'uuids') {
	issue('upper case', 'upper', $users['ada'], ['scopes' => $both, 'refresh' => 1, 'admitted' => ['user']]);
}

$cb = 'https://app.example/cb';
code('S256', 'web', $users['ada'], ['uri' => $cb, 'pkce' => 'S256', 'method' => 'S256']);
code('plain', 'web', $users['ada'], ['uri' => $cb, 'pkce' => 'plain', 'method' => 'plain']);
code('plain by default', 'web', $users['ada'], ['uri' => $cb, 'pkce' => 'plain']);
code('without PKCE', 'web', $users['ada'], ['uri' => 'https://app.example/second']);
code('without a redirect URI', 'spa', $users['ada'], ['uri' => null, 'pkce' => 'S256', 'method' => 'S256']);
code('of the phone', 'phone', $users['bob'], ['uri' => 'http://127.0.0.1:49152/cb', 'pkce' => 'S256', 'method' => 'S256']);
code('for a scheme of an app', 'phone', $users['bob'], ['uri' => 'com.example.app:/cb', 'pkce' => 'S256', 'method' => 'S256']);
code('with all scopes', 'web', $users['ada'], ['uri' => $cb, 'scopes' => ['*', 'place-orders']]);
code('revoked', 'web', $users['ada'], ['uri' => $cb, 'revoked' => true, 'redeemed' => false, 'error' => 'invalid_grant']);
code('without an expiry', 'web', $users['ada'], ['uri' => $cb, 'expires' => null]);
code('of another client', 'web', $users['ada'], ['uri' => $cb, 'by' => 'spaced', 'redeemed' => false, 'error' => 'invalid_grant']);

foreach (['web', 'machine', ...($version13 ? [] : ['password', 'personal'])] as $name) {
	redeem("client credentials of $name", $name, ['grant_type' => 'client_credentials', 'scope' => 'place-orders'], true, null, ['place-orders']);
}
redeem('client credentials of a public client', 'spa', ['grant_type' => 'client_credentials'], false, '', []);

echo json_encode([
	'form' => $form, 'app_key' => 'base64:' . base64_encode($appKey), 'public_key' => $publicPEM, 'users' => array_map('strval', $users), 'clients' => $clients, 'rows' => $rows, 'cases' => $cases,
], JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
