// Starts and ends the call.

import type { ComputeOptions } from "../reading/messages";

/** Calls the gateway with the list that the form holds, once it is read. Does nothing while a call is under way. */
export declare function startCall(options: ComputeOptions): void;

/** Gives up the call under way, on the wire too. */
export declare function cancelCall(): void;
