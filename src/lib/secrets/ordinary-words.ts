/** @module Words that follow names of secrets in prose, messages, schemas and code, in several languages. Pure. */

const list = (text: string): string[] => text.trim().split(/\s+/)

const words = new Set(
  list(`
  true false null none undefined nil nan na n/a required optional string number boolean text object array yes no on off
  type uuid char varchar int integer float str bytes json xml html yaml never any unknown void readonly public private
  password passwords passwort kennwort passwd token tokens secret secrets key keys credential credentials username user
  users login account accounts email name names field fields input value values form header headers query body cookie
  cookies data id ids hash hashes hashing hashed plain plaintext salt bcrypt scrypt argon pbkdf md5 sha sha256 encoding
  const let var if return await async this self function new old class import export from default auto config configuration
  env environment process variable variables param params parameter parameters prop props option options settings setting
  request response error errors message messages result results args argument server client service api url uri host
  bearer basic digest oauth oauth2 saml jwt ldap sso mfa totp otp bearertoken refresh access session sessions auth authn
  authentication authorization authenticator authority unauthorized predefinedcredentialtype
  hidden empty blank missing invalid valid expired expires expiring incorrect wrong correct bad good weak strong strict
  short long simple complex unique common same different similar equal identical mandatory necessary needed available
  unavailable absent present ready safe unsafe secure insecure protected unprotected encrypted unencrypted decrypted
  masked redacted sensitive case alphanumeric numeric ascii utf8 unicode stale fresh active inactive current previous
  last next first temporary permanent initial final original random generated visible invisible shown stored saved kept
  set unset reset change changed changes changing update updated updating rotate rotated create created creation delete
  deleted forgot forgotten remember remembered recover recovery restore show hide copy paste enter entered provide
  provided give given sent received send supply supplied use used using check checked verify verified accept accepted
  deny denied reject rejected refuse refused revoke revoked fail failed fails failure ok okay success successful
  successfully match matches matched mismatch compare confirm confirmed confirmation verification validation validator
  validated protection policy policies rule rules strength length complexity expiry expiration rotation lifetime age
  history manager management store storage vault keychain file files path folder database db table column row store
  prompt dialog screen page link button reminder hint question answer format grant flow based less only manually
  automatically correctly currently temporarily securely already also again always ever still yet just really probably
  possibly likely usually often once twice now then later soon here there elsewhere somewhere everywhere nowhere
  not never neither nor and or but so because since while when where which who whose why how what whether that these
  those it its is are was were be been being am has have had having do does did done doing can could cannot cant may
  might must shall should will would wont isnt wasnt doesnt the a an in on at by to of for with without within into onto
  over under above below between about after before during until as than through per via against more most less least
  too very quite rather much many few some all both each every either another other others such own your my our his her
  their you we they he she them us me please contact see ask try retry visit read click press open log sign get put make
  find go run unlike like characters character letters letter digits digit symbols symbol lowercase uppercase minimum
  maximum min max size limit exceeded enabled disabled allowed disallowed forbidden supported unsupported deprecated
  found null nothing something anything everything nobody someone anyone one two three four five zero test tests testing
  example examples sample dummy demo foo bar baz fake mock stub todo tbd there's unchanged undisclosed confidential
  restricted reserved compromised leaked exposed lost stolen known published shared personal individual generic admin
  administrator root guest owner member customer node nodes workflow workflows instance webhook trigger step item items
  via yaml primary foreign secondary index sort partition order group category cache lookup unused duplicate duplicated
  pending locked unlocked blocked suspended banned limited throttled received cleared removed added replaced migrated
  synced loaded parsed signed unsigned issued assigned attached linked bound tied case-sensitive write rewrite
  erforderlich falsch ungültig ungueltig gültig abgelaufen leer fehlt fehlerhaft unbekannt zu nicht kein keine ist wird
  wurde war muss darf kann soll hat der die das ein eine und oder für mit ohne geändert gesetzt gespeichert benötigt
  vergessen ändern bestätigen wiederholen eingeben richtig sicher schwach stark optional zurücksetzen zurückgesetzt
  obligatoire incorrect incorrecte invalide requis requise oublié expiré manquant vide est pas le la les un une et ou
  pour avec sans trop court doit peut être incorrecta incorrecto inválida inválido obligatoria obligatorio requerida
  requerido olvidada caducada vacía vacio es son no el los y o para con sin debe falta errata sbagliata richiesta
  scaduta vuota obrigatória incorreta inválido expirada vazia não é são неверный неверен обязателен истек пустой не
  错误 无效 必填 不能为空 不正确 必须 过期 是 不 が は を です 必須 無効 エラー
`),
)

/** Includes compounds, and words with signs such as `pre-shared` or `bearer_token`. */
export function isOrdinaryWord(word: string): boolean {
  if (word.length > 40) return false
  const plain = word.toLowerCase().replaceAll(/['’]/g, '')
  if (words.has(plain)) return true
  if (/^(?:generic\w*|oauth\d?\w*)$/.test(plain)) return true
  return /^[a-z]+$/.test(plain) && madeWord.test(plain)
}

const madeWord =
  /^(?:un|in|non|re)?[a-z]{2,}(?:ated|ized|ised|ified|pted|cted|ired|ined|ated|ation|ition|ction|ment|ments|ability|able|ible|ized|ously|fully|ically|izing|ating|ering|ness|less|ency|ancy)$/
