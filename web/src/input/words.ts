// The texts of the form.

import { integer } from "../language/format";
import { words } from "../language/language";
import type { Problem, Reason, Reading } from "../reading/messages";

// The integers of 64 bits, as they are written in a list.
const MIN = "-9223372036854775808";
const MAX = "9223372036854775807";

// What is wrong with a piece of the list, to follow the piece and its place.
const reasons: Readonly<Record<"en" | "fr", Readonly<Record<Reason, string>>>> = {
  en: {
    "not-integer": "is not an integer",
    decimal: "is a decimal; only integers are accepted",
    exponent: "has an exponent; write all its digits",
    "beyond-64-bits": `is beyond 64 bits; integers reach from ${MIN} to ${MAX}`,
    grouping: "has a no-break or thin space that does not separate groups of three digits",
    bracket: "has a bracket; only one pair around the whole list is accepted",
    unclosed: "is not closed: the list does not end with the bracket that closes it",
  },
  fr: {
    "not-integer": "n’est pas un entier",
    decimal: "est un nombre décimal ; seuls les entiers sont acceptés",
    exponent: "a un exposant ; écrivez tous les chiffres",
    "beyond-64-bits": `dépasse 64 bits ; les entiers vont de ${MIN} à ${MAX}`,
    grouping: "contient une espace insécable ou fine qui ne sépare pas des groupes de trois chiffres",
    bracket: "contient un crochet ; seule une paire autour de toute la liste est acceptée",
    unclosed: "n’est pas fermé : la liste ne se termine pas par le crochet fermant",
  },
};

/** Texts that hold a value as it was written, or a number, are functions. */
export const inputWords = words({
  en: {
    title: "Your list",
    integers: "Integers",
    hint: "Separated by commas, semicolons, spaces or line breaks; brackets around the list are fine.",
    example: "Example",
    chooseFile: "Choose a file…",
    dropHint: "or drop one here: .txt, .csv, .tsv, .json",
    drop: "Drop the file here",
    oneFile: "One file at a time, please: several were dropped, and none was read.",

    none: "No integers yet",
    count: (count: number, shown: string) => `${integer(count)} ${count === 1 ? "integer" : "integers"}: ${shown}`,
    more: (count: number) => `and ${integer(count)} more`,
    otherProblems: "Also not integers",
    problem: (token: string, { line, column, reason }: Problem) =>
      `“${token}” on line ${integer(line)}, column ${integer(column)} ${reasons.en[reason]}`,
    line: (line: number) => `Line ${integer(line)}`,
    show: "Show",
    showPlace: (line: number, column: number) => `Show line ${integer(line)}, column ${integer(column)}`,

    reading: "Reading…",
    readShare: (percent: number) => `${integer(percent)}% read`,
    stopReading: "Stop reading",
    remove: "Remove",
    removeList: (name: string) => `Remove ${name}`,
    longText: "Long text",
    characters: (count: number) => `${integer(count)} characters`,
    longTextHint: "too long for the text field",
    randomName: "Random integers",
    randomRange: (min: bigint, max: bigint) => `drawn evenly from ${integer(min)} to ${integer(max)}`,

    chooseColumn: "Which column is the list?",
    columnUntitled: (number: number) => `Column ${integer(number)}`,
    columnIntegers: "integers",
    columnOther: "not integers",

    tooMany: (limit: number) =>
      `These are more than ${integer(limit)} integers, and this page sends a list in one call, which takes no more.`,
    stream: (method: string, section: string) =>
      `The method ${method} takes up to ${integer(100_000_000)}, in parts, from a client of your own: see “${section}” in the README.`,

    unreadable: {
      file: "The file cannot be read. It may have been moved, or be a folder.",
      json: "The file is not JSON with a list of integers in it.",
      encoding: "The file is not text in UTF-8 or UTF-16. Save it as UTF-8 and choose it again.",
    } satisfies Record<(Reading & { kind: "unreadable" })["why"], string>,
    readerFailed: "The list was not read: the reading thread of this page has stopped.",
    readAgain: "Read it again",
    detail: "Detail",

    random: "Random…",
    randomTitle: "Random integers",
    howMany: "How many",
    from: "From",
    to: "To",
    make: "Make the list",
    notWhole: "Write a whole number, such as 10000.",
    notCount: "Write a whole number from 1 up, such as 10000.",
    beyond64: "This is beyond 64 bits.",
    wrongOrder: "“From” is larger than “To”.",

    options: "Quantiles and histogram",
    quantiles: "Quantiles",
    quantilesHint: "Probabilities from 0 to 1. The quartiles are always drawn.",
    bins: "Histogram bins",
    binsHint: "1 to 1,000; 30 if left empty.",
    notProbability: (token: string) => `“${token}” is not a number; quantiles are numbers from 0 to 1, such as 0.95`,
    notBins: (text: string) => `“${text}” is not a number of bins; it is a whole number from 1 to 1,000`,
    notTimeout: (text: string) =>
      `the address asks for timeout=${text}, which is not a duration such as 500ms, 5s or 2m (at most 15m)`,

    compute: "Compute",
    cancel: "Cancel",
    waiting: "Computing starts when the list is read",
    needList: "Enter at least one integer, or choose a file.",
    needColumn: "Choose a column first.",
    enter: "Enter",
    escape: "Esc",
  },
  fr: {
    title: "Votre liste",
    integers: "Entiers",
    hint: "Séparés par des virgules, points-virgules, espaces ou sauts de ligne, avec ou sans crochets autour. La virgule sépare toujours : 1,5 se lit 1 et 5.",
    example: "Exemple",
    chooseFile: "Choisir un fichier…",
    dropHint: "ou déposez-le ici : .txt, .csv, .tsv, .json",
    drop: "Déposez le fichier ici",
    oneFile: "Un seul fichier à la fois : plusieurs ont été déposés, aucun n’a été lu.",

    none: "Aucun entier pour l’instant",
    count: (count: number, shown: string) => `${integer(count)} ${count === 1 ? "entier" : "entiers"} : ${shown}`,
    more: (count: number) => (count === 1 ? "et un autre" : `et ${integer(count)} autres`),
    otherProblems: "Ne sont pas non plus des entiers",
    problem: (token: string, { line, column, reason }: Problem) =>
      `« ${token} », à la ligne ${integer(line)}, colonne ${integer(column)}, ${reasons.fr[reason]}`,
    line: (line: number) => `Ligne ${integer(line)}`,
    show: "Montrer",
    showPlace: (line: number, column: number) => `Montrer la ligne ${integer(line)}, colonne ${integer(column)}`,

    reading: "Lecture…",
    readShare: (percent: number) => `${integer(percent)} % lus`,
    stopReading: "Arrêter la lecture",
    remove: "Retirer",
    removeList: (name: string) => `Retirer ${name}`,
    longText: "Texte long",
    characters: (count: number) => `${integer(count)} caractères`,
    longTextHint: "trop long pour le champ de saisie",
    randomName: "Entiers aléatoires",
    randomRange: (min: bigint, max: bigint) => `tirés uniformément de ${integer(min)} à ${integer(max)}`,

    chooseColumn: "Quelle colonne est la liste ?",
    columnUntitled: (number: number) => `Colonne ${integer(number)}`,
    columnIntegers: "des entiers",
    columnOther: "pas des entiers",

    tooMany: (limit: number) =>
      `Il y a plus de ${integer(limit)} entiers ; cette page envoie la liste en un seul appel, qui n’en accepte pas davantage.`,
    stream: (method: string, section: string) =>
      `La méthode ${method} en accepte jusqu’à ${integer(100_000_000)}, par morceaux, depuis votre propre client : voir « ${section} » dans le README.`,

    unreadable: {
      file: "Le fichier ne peut pas être lu. Il a peut-être été déplacé, ou c’est un dossier.",
      json: "Le fichier n’est pas du JSON contenant une liste d’entiers.",
      encoding:
        "Le fichier n’est pas du texte en UTF-8 ou en UTF-16. Enregistrez-le en UTF-8, puis choisissez-le à nouveau.",
    },
    readerFailed: "La liste n’a pas été lue : le fil de lecture de cette page s’est arrêté.",
    readAgain: "Relire",
    detail: "Détail",

    random: "Au hasard…",
    randomTitle: "Entiers aléatoires",
    howMany: "Combien",
    from: "De",
    to: "À",
    make: "Créer la liste",
    notWhole: "Écrivez un nombre entier, par exemple 10000.",
    notCount: "Écrivez un nombre entier à partir de 1, par exemple 10000.",
    beyond64: "Ce nombre dépasse 64 bits.",
    wrongOrder: "« De » est plus grand que « À ».",

    options: "Quantiles et histogramme",
    quantiles: "Quantiles",
    quantilesHint: "Des probabilités de 0 à 1, avec un point : 0.95. Les quartiles sont toujours tracés.",
    bins: "Classes de l’histogramme",
    binsHint: "De 1 à 1 000 ; 30 si le champ est vide.",
    notProbability: (token: string) =>
      `« ${token} » n’est pas un nombre ; les quantiles sont des nombres de 0 à 1, par exemple 0.95`,
    notBins: (text: string) => `« ${text} » n’est pas un nombre de classes : un nombre entier de 1 à 1 000 convient`,
    notTimeout: (text: string) =>
      `l’adresse demande timeout=${text}, qui n’est pas une durée telle que 500ms, 5s ou 2m (au plus 15m)`,

    compute: "Calculer",
    cancel: "Annuler",
    waiting: "Le calcul commencera dès que la liste sera lue",
    needList: "Saisissez au moins un entier, ou choisissez un fichier.",
    needColumn: "Choisissez d’abord une colonne.",
    enter: "Entrée",
    escape: "Échap",
  },
});
