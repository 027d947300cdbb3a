// The texts of the frame.

import { words } from "../language/language";

export const shellWords = words({
  en: {
    tagline: "Exact statistics over integers",
    skip: "Skip to the content",
    views: "Views",
    compute: "Compute",
    history: "History",
    language: "Language",
    unknown: "There is nothing at this address.",
    back: "Back to the start",
    about: "A worker computes each list, handed to it through an Amazon SQS queue. Every operation is logged.",
    api: (address: string) => `Programs make the same calls at ${address}, by gRPC or gRPC-Web.`,
    licences: "Licences of the software in this page",
    titles: {
      computing: "Computing…",
      done: "Result",
      failed: "No result",
      operation: "Operation",
      unknown: "Not found",
    },
  },
  fr: {
    tagline: "Statistiques exactes sur des entiers",
    skip: "Aller au contenu",
    views: "Vues",
    compute: "Calcul",
    history: "Historique",
    language: "Langue",
    unknown: "Il n’y a rien à cette adresse.",
    back: "Retour à l’accueil",
    about:
      "Un worker traite chaque liste, qu’il reçoit par une file d’attente Amazon SQS. Chaque opération est consignée au journal.",
    api: (address: string) => `Les programmes font les mêmes appels à ${address}, en gRPC ou gRPC-Web.`,
    licences: "Licences des logiciels de cette page",
    titles: {
      computing: "Calcul en cours…",
      done: "Résultat",
      failed: "Pas de résultat",
      operation: "Opération",
      unknown: "Page introuvable",
    },
  },
});
