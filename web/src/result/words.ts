// The texts of a result.

import { words } from "../language/language";
import type { PartName } from "./parts";
import type { MarkName } from "./distribution/shape";

export type StatisticName = "min" | "max" | "median" | "mean" | "count" | "sum" | "std_dev" | "variance";

interface ResultWords {
  readonly title: string;
  readonly statistics: Readonly<Record<StatisticName, string>>;
  readonly quantiles: string;
  readonly quartile: Readonly<Record<string, string>>;
  readonly quantileHint: (share: string) => string;
  readonly copy: string;
  readonly copyNamed: (what: string) => string;
  readonly copyAll: string;
  readonly copied: string;
  readonly notCopied: string;
  readonly summary: string;
  readonly operation: string;
  readonly link: string;
  readonly trace: string;
  readonly worker: string;
  readonly created: string;
  readonly finished: string;
  readonly downloads: string;
  readonly json: string;
  readonly text: string;
}

export const resultWords = words<ResultWords>({
  en: {
    title: "Result",
    statistics: {
      min: "Min",
      max: "Max",
      median: "Median",
      mean: "Mean",
      count: "Count",
      sum: "Sum",
      std_dev: "Standard deviation",
      variance: "Variance",
    },
    quantiles: "Quantiles",
    quartile: { "0.25": "lower quartile", "0.5": "median", "0.75": "upper quartile" },
    quantileHint: (share) => `${share} of the values are at most this`,
    copy: "Copy",
    copyNamed: (what) => `Copy: ${what}`,
    copyAll: "Copy all",
    copied: "Copied",
    notCopied: "The browser did not let this page copy",
    summary: "Log summary",
    operation: "Operation",
    link: "Copy link",
    trace: "Trace",
    worker: "Worker",
    created: "Made",
    finished: "Finished",
    downloads: "Download",
    json: "JSON",
    text: "Text",
  },
  fr: {
    title: "Résultat",
    statistics: {
      min: "Minimum",
      max: "Maximum",
      median: "Médiane",
      mean: "Moyenne",
      count: "Effectif",
      sum: "Somme",
      std_dev: "Écart type",
      variance: "Variance",
    },
    quantiles: "Quantiles",
    quartile: { "0.25": "premier quartile", "0.5": "médiane", "0.75": "troisième quartile" },
    quantileHint: (share) => `${share} des valeurs ne dépassent pas ce nombre`,
    copy: "Copier",
    copyNamed: (what) => `Copier\u00a0: ${what}`,
    copyAll: "Tout copier",
    copied: "Copié",
    notCopied: "Le navigateur n’a pas permis de copier",
    summary: "Résumé du journal",
    operation: "Opération",
    link: "Copier le lien",
    trace: "Trace",
    worker: "Worker",
    created: "Créée",
    finished: "Terminée",
    downloads: "Télécharger",
    json: "JSON",
    text: "Texte",
  },
});

interface ChartWords {
  readonly title: string;
  readonly marks: Readonly<Record<MarkName, string>>;
  readonly all: string;
  readonly bins: (count: string, width: string | undefined) => string;
  readonly constant: string;
  readonly box: string;
  readonly line: string;
  readonly tooFine: string;
  readonly label: (count: string, marks: readonly string[]) => string;
  readonly fullest: (from: string, to: string, count: string) => string;
  readonly range: (from: string, to: string) => string;
  readonly values: (count: bigint, written: string) => string;
  readonly explore: string;
  readonly table: string;
  readonly copyTable: string;
  readonly pointCaption: string;
  readonly binCaption: string;
  readonly point: string;
  readonly value: string;
  readonly from: string;
  readonly below: string;
  readonly count: string;
  readonly lastBin: string;
}

export const chartWords = words<ChartWords>({
  en: {
    title: "Distribution",
    marks: { min: "Min", lowerQuartile: "Q1", median: "Median", mean: "Mean", upperQuartile: "Q3", max: "Max" },
    all: "All values",
    bins: (count, width) =>
      `The bars count the values in ${count} bins${width === undefined ? "" : `, each ${width} wide`}.`,
    constant: "All values are equal.",
    box: "The box reaches from the lower to the upper quartile, its whiskers to the smallest and the largest value.",
    line: "The line reaches from the smallest to the largest value.",
    tooFine:
      "The values are so large and so close together that median, mean and quartiles, as doubles, cannot be placed between them.",
    label: (count, marks) => `Distribution of ${count} values. ${marks.join(", ")}.`,
    fullest: (from, to, count) => `The fullest bin, from ${from} to ${to}, holds ${count}.`,
    range: (from, to) => `${from} to ${to}`,
    values: (count, written) => (count === 1n ? `${written} value` : `${written} values`),
    explore: "Bins of the histogram",
    table: "As a table",
    copyTable: "Copy the bins",
    pointCaption: "Points of the box plot",
    binCaption: "Bins of the histogram",
    point: "Point",
    value: "Value",
    from: "From",
    below: "To below",
    count: "Values",
    lastBin: "The last bin includes its upper end.",
  },
  fr: {
    title: "Répartition",
    marks: { min: "Min", lowerQuartile: "Q1", median: "Médiane", mean: "Moyenne", upperQuartile: "Q3", max: "Max" },
    all: "Toutes les valeurs",
    bins: (count, width) =>
      `Les barres comptent les valeurs dans ${count}\u00a0classes${width === undefined ? "" : `, chacune d’une largeur de ${width}`}.`,
    constant: "Toutes les valeurs sont égales.",
    box: "La boîte va du premier au troisième quartile, ses moustaches jusqu’à la plus petite et à la plus grande valeur.",
    line: "Le trait va de la plus petite à la plus grande valeur.",
    tooFine:
      "Les valeurs sont si grandes et si proches que médiane, moyenne et quartiles, arrondis en virgule flottante, ne peuvent pas être placés entre elles.",
    label: (count, marks) => `Répartition de ${count}\u00a0valeurs. ${marks.join(", ")}.`,
    fullest: (from, to, count) => `La classe la plus fournie, de ${from} à ${to}, en compte ${count}.`,
    range: (from, to) => `${from} à ${to}`,
    values: (count, written) => (count <= 1n ? `${written}\u00a0valeur` : `${written}\u00a0valeurs`),
    explore: "Classes de l’histogramme",
    table: "En tableau",
    copyTable: "Copier les classes",
    pointCaption: "Repères de la boîte à moustaches",
    binCaption: "Classes de l’histogramme",
    point: "Repère",
    value: "Valeur",
    from: "De",
    below: "À moins de",
    count: "Valeurs",
    lastBin: "La dernière classe comprend sa borne supérieure.",
  },
});

interface JourneyWords {
  readonly title: string;
  readonly parts: Readonly<Record<PartName, string>>;
  /** What the parts other than the work are about. */
  readonly hints: Readonly<Record<Exclude<PartName, "work">, string>>;
  readonly computing: (duration: string) => string;
  readonly total: string;
  readonly totalOfLog: string;
  readonly mostly: (part: PartName) => string;
  readonly longest: (part: PartName) => string;
}

const EN_PARTS: Readonly<Record<PartName, string>> = {
  network: "between browser and gateway",
  gateway: "in the gateway",
  "request-queue": "in the request queue",
  work: "with the worker",
  "reply-queue": "in the reply queue",
};

const FR_PARTS: Readonly<Record<PartName, string>> = {
  network: "entre le navigateur et la passerelle",
  gateway: "dans la passerelle",
  "request-queue": "dans la file des demandes",
  work: "chez le worker",
  "reply-queue": "dans la file des réponses",
};

export const journeyWords = words<JourneyWords>({
  en: {
    title: "Where the time went",
    parts: {
      network: "Browser and gateway",
      gateway: "Gateway",
      "request-queue": "Request queue",
      work: "Worker",
      "reply-queue": "Reply queue",
    },
    hints: {
      network: "there and back",
      gateway: "and its way to SQS",
      "request-queue": "waiting for a worker",
      "reply-queue": "waiting for the gateway",
    },
    computing: (duration) => `computing: ${duration}`,
    total: "Total",
    totalOfLog: "From the queue to the end of the work",
    mostly: (part) => `Most of the time was spent ${EN_PARTS[part]}.`,
    longest: (part) => `The longest part was spent ${EN_PARTS[part]}.`,
  },
  fr: {
    title: "Où est passé le temps",
    parts: {
      network: "Navigateur et passerelle",
      gateway: "Passerelle",
      "request-queue": "File des demandes",
      work: "Worker",
      "reply-queue": "File des réponses",
    },
    hints: {
      network: "aller et retour",
      gateway: "et son trajet vers SQS",
      "request-queue": "en attente d’un worker",
      "reply-queue": "en attente de la passerelle",
    },
    computing: (duration) => `calcul\u00a0: ${duration}`,
    total: "Total",
    totalOfLog: "De la file à la fin du travail",
    mostly: (part) => `L’essentiel du temps s’est passé ${FR_PARTS[part]}.`,
    longest: (part) => `La plus longue part s’est passée ${FR_PARTS[part]}.`,
  },
});
