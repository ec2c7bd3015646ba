/**
 * @module The passwords that guessing starts with. Public breach counts keep showing the same few hundred words with
 * the same few endings; each word here stands for itself with up to four digits or marks behind it, which covers the
 * usual top 3,000 of eight characters and more.
 */

const words = new Set(
  `password passwort passw0rd p@ssword p@ssw0rd pa$$word pa55word passwords mypassword thepassword newpassword
  password123 passpass motdepasse contrasena contraseña senha parola haslo heslo wachtwoord
  qwerty qwertz azerty qwertyui qwertyuiop qwertzuiop azertyuiop qwerty123 qwertyqwerty asdf asdfgh asdfghjk asdfghjkl
  asdfasdf asdf1234 zxcvbn zxcvbnm qazwsx qazwsxedc qazwsxedcrfv 1qaz2wsx 1qaz2wsx3edc 1q2w3e4r 1q2w3e4r5t 1q2w3e
  q1w2e3r4 q1w2e3r4t5 q1w2e3 zaq12wsx zaq1zaq1 qweasd qweasdzxc qweqwe qwe123 qwer1234 asd123 zxc123 1a2b3c4d a1b2c3d4
  1qazxsw2 qwaszx wsxedc poiuytrewq lkjhgfdsa mnbvcxz
  abc abcd abc123 abcd1234 abcdef abcdefg abcdefgh abcdefghi a1b2c3 aa123456 a123456 a12345678 aaa111 test1234 pass1234
  admin administrator admin123 adminadmin root rootroot toor user username guest login logmein letmein letmeinnow
  welcome welcome1 changeme changeit default secret secret123 topsecret private access master superuser temp temppass
  temporary test testtest tester testing demo example sample hello hello123 hellohello helloworld goodbye whatever
  nothing something anything internet computer windows microsoft google apple facebook samsung android iphone
  linkedin youtube twitter instagram yahoo hotmail gmail myspace photoshop adobe oracle cisco server network system
  database backup manager office company business support service security workflow automation n8n flowkeep
  iloveyou iloveu iloveme loveyou lovely loveme love lover mylove truelove ilovegod iloveyou2 godisgood jesus
  jesuschrist christ blessed blessing heaven angel angels angel123 god trustno1 trustnoone
  monkey dragon tiger lion eagle eagles falcon falcons wolf bear bears panther panthers cat kitty dog doggy puppy
  bunny butterfly dolphin dolphins horse horses elephant turtle chicken penguin spider snake cobra shark phoenix
  unicorn pokemon pikachu charizard naruto naruto1 sasuke dragonball goku mario nintendo playstation xbox minecraft
  roblox fortnite starcraft warcraft warcraft3 callofduty counterstrike runescape finalfantasy
  superman batman spiderman ironman wolverine captain avengers starwars starwars1 startrek skywalker matrix gandalf
  hobbit potter harrypotter hogwarts cheese cookie cookies chocolate banana bananas orange pepper peanut pumpkin
  strawberry blueberry cherry coffee coffee123 butter candy cupcake sugar sweet sweetie sweety honey
  baseball football basketball soccer softball volleyball hockey tennis swimming cricket rugby golf golfer
  barcelona realmadrid liverpool arsenal chelsea manchester manutd juventus bayern lakers cowboys yankees steelers
  redsox packers raiders broncos giants patriots celtics chelsea1 liverpool1 arsenal1 ronaldo ronaldo7 messi
  sunshine summer winter spring autumn sunday monday friday january february march april june july august september
  october november december flower flowers rainbow ocean mountain midnight moonlight starlight lightning thunder
  freedom liberty forever forever21 friends friend family mother father mommy daddy brother sister sisters
  princess prince queen king diamond diamonds crystal gold silver jewel beautiful gorgeous pretty handsome sexy
  sexygirl babygirl babyboy babydoll cutie cutiepie hottie playboy playgirl badboy bigdog gangster gangsta player
  michael michelle jennifer jessica jordan jordan23 joshua daniel danielle andrew anthony matthew robert william
  thomas charlie george david james john richard joseph steven brandon justin christopher christian christina
  nicholas nicole ashley amanda samantha stephanie elizabeth victoria vanessa veronica natalie natasha melissa
  rebecca rachel hannah sophie sophia olivia emily alexander alexandra alexis patrick patricia benjamin jonathan
  gabriel gabriela fernando alejandro alejandra carlos carolina eduardo francisco mariana martin maria marie
  maverick hunter hunter2 ranger ranger1 soldier warrior warriors fighter killer killer123 assassin hacker sniper
  mustang ferrari porsche corvette mercedes toyota honda yamaha suzuki kawasaki harley harley-davidson chevrolet
  chevy camaro ducati nissan subaru subaru1 bmw audi
  america american england london paris newyork california florida texas canada mexico brazil brasil germany
  deutschland france espana italia australia india pakistan philippines indonesia russia ukraine poland china
  metallica nirvana slipknot eminem rihanna beyonce beatles elvis marley bobmarley greenday linkinpark blink182
  jackson madonna onedirection justinbieber music musica guitar drummer
  creative creation creator scooter snoopy garfield mickey mickeymouse donald tinkerbell cinderella hellokitty
  tweety barbie scooby scoobydoo simpsons homer bigbang
  success success1 victory winner winning champion champions lucky lucky7 money dollars million millionaire
  blackberry nokia motorola black blackcat blackjack blackout white purple yellow green blue redred
  marlboro budweiser jackdaniels corona tequila whiskey vodka smokey marijuana cannabis stoned420
  trinity destiny serenity patience faith grace hope peace peaceful harmony heart hearts sweetheart romance
  passion desire dream dreams dreamer fantasy magic magical wizard merlin mystery phantom shadow darkness
  darkside devil demon satan lucifer hellfire vampire zombie ghost
  rockstar rocknroll rockon skateboard snowboard surfing surfer
  fuckyou fuckyou2 fuckoff fuckme asshole bitch bullshit motherfucker shithead
  letmein123 openup opensesame opendoor sesame iamgod imagine biteme bigboss dontforget donttell idontknow
  forgetit forgotten remember trustme hesoyam sandiego chicago dallas houston boston denver seattle phoenix1
  qwert12345 asdfg12345 zaqxsw zaqxswcde plmokn okmijn 147258369 123qwe 123qweasd 123abc 123asd 123654 321321
  741852963 789456123 963852741 159753 159357 123698745 852456 456789 987654 0987654321 9876543210 1029384756
  11223344 1122334455 112233 121212 123123 12121212 12341234 12344321 12345678 123456789 1234567890 13131313 10203040
  102030 19841984 20002000 69696969 420420 007007 31415926 314159265 27182818`
    .split(/\s+/)
    .filter(Boolean),
)

const keyboardRows = [
  '01234567890',
  '09876543210',
  'abcdefghijklmnopqrstuvwxyz',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
]

/** One short piece over and over: `aaaaaaaa`, `12121212`, `abcabcabc`. */
const isRepetition = (text: string): boolean => /^(.{1,4}?)\1+$/su.test(text)

const isKeyboardRun = (text: string): boolean =>
  keyboardRows.some((row) => row.includes(text) || Array.from(row).toReversed().join('').includes(text))

/** True for a password that guessing starts with, whatever its case. */
export function isCommonPassword(password: string): boolean {
  const text = password.toLowerCase()
  if (words.has(text) || isRepetition(text) || isKeyboardRun(text)) return true
  for (let ending = 1; ending <= 4; ending += 1) {
    if (!/^[\d!@#$%&*?._-]+$/.test(text.slice(-ending))) return false
    if (words.has(text.slice(0, -ending))) return true
  }
  return false
}
