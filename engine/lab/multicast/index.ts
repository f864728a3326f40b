export { parseMulticast, multicastJsonSchema } from './scenario.ts';
export { CaptureListener } from './listener.ts';
export { mapOf, MulticastLab, type MulticastChange } from './multicast-lab.ts';
export { MulticastPort, multicastDetail, type MulticastStep } from './port.ts';
export { multicastCard, multicastPortsOf } from './port-view.ts';
export { setPortMaker } from './port-maker.ts';
