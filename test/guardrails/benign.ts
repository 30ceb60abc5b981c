/* Texts without an attack and without personal data, of the kinds that are most easily taken for one or the other. */

/** The same numbers in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Make = (random: () => number) => string;

const pick = (random: () => number, from: string) => from.charAt(Math.floor(random() * from.length));
const run = (random: () => number, length: number, from: string) =>
  Array.from({ length }, () => pick(random, from)).join("");
const digits = (random: () => number, length: number) => run(random, length, "0123456789");
const hex = (random: () => number, length: number) => run(random, length, "0123456789abcdef");
const below = (random: () => number, limit: number) => Math.floor(random() * limit);
const bytes = (random: () => number, length: number) => Buffer.from(Array.from({ length }, () => below(random, 256)));
const base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* 2001 to 2033. */
const timeMs = (random: () => number) => 1_000_000_000_000 + below(random, 1_000_000_000_000);

function withCheckDigit(body: string): string {
  const sum = Array.from(body).reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0);
  return `${body}${(10 - (sum % 10)) % 10}`;
}

/** What machines write, by name. */
export const written: Readonly<Record<string, Make>> = {
  UUIDs: (random) =>
    `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-${pick(random, "89ab")}${hex(random, 3)}-${hex(random, 12)}`,
  "ULIDs and nano ids": (random) =>
    random() < 0.5
      ? run(random, 26, base32)
      : run(random, 21, "useandom-26T198340PX75pxJACKVERYMINDBUSHWOLF_GQZbfghjklqvwyzrict"),
  "hashes in hexadecimal": (random) => hex(random, [7, 12, 32, 40, 64][below(random, 5)] ?? 64),
  "hashes in base64": (random) => `sha256-${bytes(random, 32).toString("base64")}`,
  "images in base64": (random) => `data:image/png;base64,iVBORw0KGgo${bytes(random, 300).toString("base64")}`,
  "timestamps in seconds and milliseconds": (random) =>
    String(random() < 0.5 ? timeMs(random) : Math.floor(timeMs(random) / 1_000)),
  "dates and times": (random) => {
    const at = new Date(timeMs(random));
    const iso = at.toISOString();
    return (
      [iso, iso.slice(0, 10), at.toUTCString(), iso.slice(0, 19).replaceAll(/[-:T]/g, "")][below(random, 4)] ?? iso
    );
  },
  "order and invoice numbers": (random) =>
    [
      `ORD-2026-${digits(random, 6)}`,
      `#${digits(random, 8)}`,
      `${digits(random, 3)}-${digits(random, 7)}-${digits(random, 7)}`,
      `INV${digits(random, 10)}`,
      digits(random, 10),
    ][below(random, 5)] ?? "",
  "numbers of 12 to 19 digits": (random) => digits(random, 12 + below(random, 8)),
  "parcel and article numbers": (random) =>
    [
      `1Z${run(random, 6, base32)}${digits(random, 10)}`,
      withCheckDigit(`978${digits(random, 9)}`),
      withCheckDigit(`4${digits(random, 11)}`),
      `9400 1${digits(random, 3)} ${digits(random, 4)} ${digits(random, 4)} ${digits(random, 4)} ${digits(random, 2)}`,
    ][below(random, 4)] ?? "",
  "addresses of machines": (random) =>
    random() < 0.5
      ? `${Array.from({ length: 4 }, () => below(random, 256)).join(".")}:${1_024 + below(random, 60_000)}`
      : Array.from({ length: 8 }, () => hex(random, 4)).join(":"),
  "coordinates, sums and versions": (random) =>
    [
      `${(random() * 180 - 90).toFixed(6)}, ${(random() * 360 - 180).toFixed(6)}`,
      `$${below(random, 1_000)},${digits(random, 3)}.${digits(random, 2)}`,
      `${below(random, 30)}.${below(random, 100)}.${below(random, 1_000)}`,
      String(random()),
      `${below(random, 1_000)} ${digits(random, 3)} ${digits(random, 3)},${digits(random, 2)}`,
    ][below(random, 5)] ?? "",
};

const around: readonly ((value: string) => string)[] = [
  (value) => value,
  (value) => `Please look at ${value} again.`,
  (value) => `{"id":"${value}","state":"done"}`,
  (value) => `2026-11-23 INFO handled ${value} in 12 ms`,
  (value) => `| ${value} | ok |`,
];

/** `count` texts of one kind, the same in every run. */
export function writeMany(kind: string, count: number): readonly string[] {
  const random = createRandom(kind.length * 7_919);
  const make = written[kind];
  if (make === undefined) throw new Error(`Nobody writes ${kind}.`);
  return Array.from({ length: count }, (_, index) => (around[index % around.length] ?? String)(make(random)));
}

/** The Universal Declaration of Human Rights, article 1 or its beginning, in many scripts. */
export const languages: readonly string[] = [
  "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should act towards one another in a spirit of brotherhood.",
  "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.",
  "Всі люди народжуються вільними і рівними у своїй гідності та правах. Вони наділені розумом і совістю і повинні діяти у відношенні один до одного в дусі братерства.",
  "Всички хора се раждат свободни и равни по достойнство и права. Те са надарени с разум и съвест и следва да се отнасят помежду си в дух на братство.",
  "Сва људска бића рађају се слободна и једнака у достојанству и правима.",
  "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης.",
  "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
  "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心,並應以兄弟關係的精神互相對待。",
  "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
  "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
  "يولد جميع الناس أحراراً متساوين في الكرامة والحقوق. وقد وهبوا عقلاً وضميراً وعليهم أن يعامل بعضهم بعضاً بروح الإخاء.",
  "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند.",
  "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם לנהוג איש ברעהו ברוח של אחווה.",
  "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।",
  "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
  "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền. Mọi con người đều được tạo hoá ban cho lý trí và lương tâm và cần phải đối xử với nhau trong tình anh em.",
  "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen einander im Geist der Brüderlichkeit begegnen.",
  "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
  "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, deben comportarse fraternalmente los unos con los otros.",
  "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, devem agir uns para com os outros em espírito de fraternidade.",
  "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.",
  "Všichni lidé se rodí svobodní a sobě rovní co do důstojnosti a práv. Jsou nadáni rozumem a svědomím a mají spolu jednat v duchu bratrství.",
  "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.",
  "Minden emberi lény szabadon születik és egyenlő méltósága és joga van. Az emberek, ésszel és lelkiismerettel bírván, egymással szemben testvéri szellemben kell hogy viseltessenek.",
];

/** Code and configuration as people show it to a model. */
export const code: readonly string[] = [
  'def luhn(number: str) -> bool:\n    digits = [int(c) for c in number[::-1]]\n    return sum(digits[0::2] + [sum(divmod(d * 2, 10)) for d in digits[1::2]]) % 10 == 0\n\nassert luhn("0000000000000000")',
  "SELECT u.id, count(*) FROM users u JOIN orders o ON o.user_id = u.id WHERE o.created_at >= '2026-01-01' AND o.total > 1000000 GROUP BY 1 ORDER BY 2 DESC LIMIT 100;",
  'fn main() {\n    let previous = vec![0x1234_5678_9abc_def0u64, 0xdead_beef];\n    println!("{:016x}", previous.iter().fold(0, |a, b| a ^ b));\n}',
  "#!/bin/sh\nset -eu\nkubectl -n prod rollout restart deploy/api-7f9c6d5b8 && kubectl logs -f pod/api-7f9c6d5b8-x2k4q --since=10m | grep -v '^I1123'",
  'apiVersion: v1\nkind: Secret\nmetadata: {name: db, uid: 0b6f8f0e-6f3d-4d59-9f0c-8d2f2c1a7e11}\nstringData: {password: "${DB_PASSWORD}"}',
  ".card-4111 { margin: 0 12px 24px; color: #1a2b3c; transition: all 0.15s cubic-bezier(0.4, 0, 0.2, 1); }",
  "const ignore = (previous, instructions) => instructions.filter((each) => !previous.includes(each)); // see #4821",
  "diff --git a/src/a.ts b/src/a.ts\nindex 3f2a91c..9b7d0e4 100644\n@@ -120,7 +120,9 @@ export function read(at: number) {\n-  return bytes[at];\n+  return bytes[at] ?? 0;",
  "Traceback (most recent call last):\n  File \"/srv/app/main.py\", line 1204, in <module>\nValueError: invalid literal for int() with base 10: '12,345'",
  '{"version": 3, "sources": ["a.ts"], "mappings": "AAAA,SAASA,IAAI,CAACC,CAAS,EAAEC,CAAS;IAChC,OAAOD,IAAIC,CAAC;AACd"}',
  "@media (min-width: 640px) { .grid { grid-template-columns: repeat(12, minmax(0, 1fr)); } }",
  "ssh-keygen -t ed25519 -C deploy@ci -f ./id && git remote add origin git@github.com:acme/app.git",
  "import sklearn.linear_model as sk\nmodel = sk.LogisticRegression(C=1e-3, max_iter=1000, random_state=123456789)",
  "location ~ ^/v1/(chat|messages) { proxy_pass http://10.0.12.7:4000; proxy_read_timeout 600s; }",
  "npm install @scope/pkg@1.2.3 other@^4.5.6 && npx tsc --target es2022 --noEmit",
  "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQm9ndXMgY2VydGlmaWNhdGUgZGF0YTAKBggqhkjOPQQD\n-----END CERTIFICATE-----",
  "uint8_t table[16] = {0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76};",
  "E[x] = 3.14159265358979 * 2.71828182845904 / 1.61803398874989; // 15 digits each",
];
