// The texts of the answer's side. `error-words.ts` has those of the errors.

import type { Statistics } from "../../gen/compute/v1/compute_pb";
import { double, duration, integer } from "../language/format";
import { words } from "../language/language";

type Announced = Pick<Statistics, "min" | "max" | "median" | "mean">;

export const callWords = words({
  en: {
    idleTitle: "The answer appears here",
    idle: "Your list goes through a queue to a worker, which computes exact statistics and keeps them in a log.",

    computing: "Computing",
    reading: "The list is still being read; it is sent as soon as that is done.",
    sent: (count: number) => `${integer(count)} ${count === 1 ? "integer is" : "integers are"} on the way to a worker.`,
    waiting: (count: number) =>
      `Waiting for a worker. ${count === 1 ? "The integer stays" : `The ${integer(count)} integers stay`} in the queue until one is free.`,
    long: (timeoutMs: number) =>
      `This takes a while. The page waits for up to ${duration(timeoutMs)}; should the result come later, the log will have it.`,
    page: "This page",
    gateway: "Gateway",
    queue: "Queue",
    worker: "Worker",
    done: ({ min, max, median, mean }: Announced) =>
      `Done. Min ${integer(min)}, max ${integer(max)}, median ${double(median)}, mean ${double(mean)}.`,
    cancelled: "Cancelled",

    tryAgain: "Try again",
    tryAgainIn: (seconds: number) => `Try again in ${integer(seconds)} s`,
    byItself: "Try again by itself",
    otherList: "The form holds another list now: compute that one there.",
    later: "Fetch the result later",
    reload: "Reload the page",
    field: fieldInEnglish,
    violation: (_field: string, description: string) => description,

    details: "Details",
    reason: "Reason",
    message: "The gateway’s words",
    operation: "Operation",
    trace: "Trace",
    copy: "Copy",
    copyDetails: "Copy the details",

    token: "Token",
    tokenHint: "Kept in this tab only, until you close it.",
    refused: "The token that was given is not accepted.",
    badToken: "A token has no spaces, and only letters, digits and signs of ASCII.",
    useToken: "Use the token",
    forget: "Forget the token",
    remembered: "This tab calls with a token.",
    forgotten: "The token is forgotten",
  },
  fr: {
    idleTitle: "La réponse apparaîtra ici",
    idle: "Votre liste passe par une file d’attente jusqu’à un worker, qui calcule des statistiques exactes et les garde dans un journal.",

    computing: "Calcul en cours",
    reading: "La liste est encore en cours de lecture ; elle partira aussitôt après.",
    sent: (count: number) =>
      count === 1 ? "1 entier est en route vers un worker." : `${integer(count)} entiers sont en route vers un worker.`,
    waiting: (count: number) =>
      `En attente d’un worker. ${count === 1 ? "L’entier reste" : `Les ${integer(count)} entiers restent`} dans la file jusqu’à ce que l’un d’eux soit libre.`,
    long: (timeoutMs: number) =>
      `Cela prend du temps. La page attend jusqu’à ${duration(timeoutMs)} ; si le résultat arrive plus tard, le journal l’aura.`,
    page: "Cette page",
    gateway: "Passerelle",
    queue: "File",
    worker: "Worker",
    done: ({ min, max, median, mean }: Announced) =>
      `Terminé. Min ${integer(min)}, max ${integer(max)}, médiane ${double(median)}, moyenne ${double(mean)}.`,
    cancelled: "Annulé",

    tryAgain: "Réessayer",
    tryAgainIn: (seconds: number) => `Réessayer dans ${integer(seconds)} s`,
    byItself: "Réessayer automatiquement",
    otherList: "Le formulaire contient maintenant une autre liste : lancez son calcul là-bas.",
    later: "Récupérer le résultat plus tard",
    reload: "Recharger la page",
    field: fieldInFrench,
    violation: (field: string, description: string) => rulesInFrench[rootOf(field)] ?? description,

    details: "Détails",
    reason: "Raison",
    message: "Message de la passerelle (en anglais)",
    operation: "Opération",
    trace: "Trace",
    copy: "Copier",
    copyDetails: "Copier les détails",

    token: "Jeton",
    tokenHint: "Gardé dans cet onglet seulement, jusqu’à sa fermeture.",
    refused: "Le jeton donné n’est pas accepté.",
    badToken: "Un jeton n’a pas d’espaces, et seulement des lettres, chiffres et signes ASCII.",
    useToken: "Utiliser ce jeton",
    forget: "Oublier le jeton",
    remembered: "Cet onglet appelle avec un jeton.",
    forgotten: "Le jeton est oublié",
  },
});

// The fields of a request by the names that the form gives them. Others keep the name that they have in the API.
function fieldInEnglish(field: string): string {
  const position = positionOf(field);
  switch (rootOf(field)) {
    case "values":
      return "Integers";
    case "quantiles":
      return position === undefined ? "Quantiles" : `Quantile ${integer(position)}`;
    case "histogram":
      return "Histogram bins";
    default:
      return field;
  }
}

function fieldInFrench(field: string): string {
  const position = positionOf(field);
  switch (rootOf(field)) {
    case "values":
      return "Entiers";
    case "quantiles":
      return position === undefined ? "Quantiles" : `Quantile ${integer(position)}`;
    case "histogram":
      return "Classes de l’histogramme";
    default:
      return field;
  }
}

// The gateway describes violations in English.
const rulesInFrench: Readonly<Record<string, string>> = {
  values: "de 1 à 10 000 000 entiers",
  quantiles: "au plus 100 nombres, chacun de 0 à 1",
  histogram: "un nombre entier de 1 à 1 000",
};

function rootOf(field: string): string {
  return field.split(/[.[]/)[0] ?? "";
}

// Which of several a field is, from 1: `quantiles[1]` is the second.
function positionOf(field: string): number | undefined {
  const [, index] = /\[(\d+)\]$/.exec(field) ?? [];
  return index === undefined ? undefined : Number(index) + 1;
}
