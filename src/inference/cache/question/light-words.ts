const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Words that hold a sentence together and words that only ask: they say nothing of what a question is about. */
export const silentWords = words(`
  a an the this that these those some any all each every such own same other
  i me my mine myself we us our ours you your yours he him his she her hers it its they them their theirs one ones
  am is are was were be been being do does did done doing has have had having can could may might must shall should will would
  and or but if then so as of at by for from in into on onto to with about over under between during through per than via upon
  not no never cannot nor neither none without except
  what which who whom whose when where why how there here also just only very too much many more most
  please thank thanks hello hi hey okay ok
  pls plz thx dear sir madam got gotten looking trying
  whether because since until till while whilst although though whereas whatever whichever whoever wherever according either both
  whats wheres whos whens hows thats theres im ive youre theyre lets cant dont doesnt didnt wont isnt arent wasnt havent hasnt
  reason reasons cause causes
  possible able unable go going up out off down exactly actually really
`);

/** Verbs that ask, where nothing was said before them: `explain how`, `I want to know what`. In `how do I explain it` they are asked about. */
export const askingVerbs = words(`
  tell explain describe define give list state say want know help let wonder hope
`);

/** Nouns that ask for a way, a sense or a reason, where no word of the question follows them: `the reset process`, but not `process mining`. */
export const askingNouns = words(`
  explanation definition meaning mean summary concept purpose question
  process procedure step steps way ways method methods instruction instructions guide tutorial technique topic like kind
`);

/** Nouns that add little when a text begins with them: `recipe for bread`. */
export const headingNouns = words("formula recipe command tip tips");

/** Words by which a question is known. */
export const questionWords = words("how what which who whom whose why when where");

/** Words that add little: their lack alone does not make another question, nor does their presence make the same. */
export const faintWords = words(`
  use used using get getting make making take takes need needed work works working workings thing things stuff good best better right
  find suggest recommend show person people place located now new world file app want first
  offer available create ask correct proper easy simple easily simply once become stay remain value idea ideas exist happen happens certain
  calculate compute write writes writing wrote written compose draft author turn turned turns based
  basically suitable fine normal normally usual usually typical typically general generally currently properly actually
`);
