import { advisoryOrDrop } from './advisory-or-drop.ts';
import { classQueueModes } from './class-queues.ts';
import { defunctUnderLoad } from './defunct.ts';

/** Experiments about the stack model. */
export const STACK_EXPERIMENTS = [classQueueModes, advisoryOrDrop, defunctUnderLoad];
