/*
 * Letters that look like Latin ones and that NFKD leaves alone (Unicode TR 39, the part of confusables.txt that is drawn alike in common
 * fonts): each row is a Latin letter and what is taken for it.
 */
const rows = `
a аɑαᴀ⍺ꭺ
b ЬьʙβƄᏏᖯ
c сϲᴄⅽ
d ԁᏧⅾᴅɗ
e еєҽεᴇ℮ꬲ
f ғꬵϝꜰƒẝ
g ɡցɢԍ
h һհᏂʜн
i іιɩıᎥӏɪⲓ
j јϳᴊ
k кκᴋҟĸᏦ
l ⅼǀʟӏ
m мⅿᴍϻ
n пոηɴռ
o оοօᴏσөⲟ০०๐໐
p рρᴘҏⲣ
q ԛզ
r гᴦʀⲅꭇ
s ѕꜱƽꭵՏ
t тτᴛŧ
u υսᴜцʋμ
v ѵνᴠⅴ∨
w ԝաᴡшɯωѡ
x хχⅹ×ⲭ
y уүʏγყ
z ᴢʐζ
A АΑᎪ
B ВΒᏴ
C СϹᏟ
D ᎠⅮ
E ЕΕᎬ
F Ϝ
G ԌᏀ
H НΗᎻ
I ІΙӀ
J ЈᎫ
K КΚᏦK
L ᏞⅬ
M МΜᎷⅯ
N Ν
O ОΟՕ
P РΡᏢ
R Ꮢ
S ЅᏚ
T ТΤᎢ
U Ս
V ᏙⅤѴ
W ᏔԜ
X ХΧⅩ
Y ҮΥУ
Z ΖᏃ
`;

/** The Latin letter that a character is drawn like. */
export const confusables: ReadonlyMap<string, string> = new Map(
  rows
    .trim()
    .split("\n")
    .flatMap((row) => {
      const [latin = "", lookalikes = ""] = row.split(" ");
      return Array.from(lookalikes).map((lookalike) => [lookalike, latin] as const);
    }),
);
