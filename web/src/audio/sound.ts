// The page's few sounds, made in the browser: a wooden knock for moves, soft tones for the rest. No files, no settings
// beyond on and off. It does not decide when something sounds.
import { signal } from '@preact/signals';

export type SoundName = 'move' | 'capture' | 'notice' | 'end';

interface Tone {
  readonly hertz: number;
  readonly seconds: number;
  readonly loudness: number;
  /** Seconds after the sound's begin. */
  readonly at?: number;
  /** How much of a knock, i.e. of noise, is in it. */
  readonly noise?: number;
}

const sounds: { readonly [N in SoundName]: readonly Tone[] } = {
  move: [{ hertz: 210, seconds: 0.07, loudness: 0.5, noise: 0.5 }],
  capture: [
    { hertz: 260, seconds: 0.06, loudness: 0.5, noise: 0.8 },
    { hertz: 160, seconds: 0.09, loudness: 0.45, at: 0.045, noise: 0.5 },
  ],
  notice: [
    { hertz: 660, seconds: 0.16, loudness: 0.16 },
    { hertz: 880, seconds: 0.2, loudness: 0.14, at: 0.09 },
  ],
  end: [
    { hertz: 392, seconds: 0.35, loudness: 0.2 },
    { hertz: 523, seconds: 0.4, loudness: 0.18, at: 0.14 },
    { hertz: 659, seconds: 0.6, loudness: 0.16, at: 0.28 },
  ],
};

const STORED = 'zeitnot.sound';
/** The same sound within this time is heard once. */
const PAUSE_MS = 60;

export const isMuted = signal(readMuted());

let context: AudioContext | undefined;
const lastPlayed = new Map<SoundName, number>();

/** Turns the sounds on or off, for this browser. */
export function mute(isOff: boolean): void {
  isMuted.value = isOff;
  try {
    localStorage.setItem(STORED, isOff ? 'off' : 'on');
  } catch {
    // Storage is forbidden: the choice lasts as long as the page.
  }
}

/** Plays a sound, if the browser allows it: none does before the first touch of the page. */
export function play(name: SoundName): void {
  const now = performance.now();
  if (isMuted.peek() || now - (lastPlayed.get(name) ?? -PAUSE_MS) < PAUSE_MS) return;
  if (navigator.userActivation?.hasBeenActive === false) return;
  lastPlayed.set(name, now);
  context ??= new AudioContext();
  if (context.state === 'suspended') void context.resume();
  for (const tone of sounds[name]) sound(context, tone);
}

function sound(on: AudioContext, tone: Tone): void {
  const start = on.currentTime + (tone.at ?? 0);
  const end = start + tone.seconds;
  const gain = fading(on, tone.loudness, start, end);
  const oscillator = new OscillatorNode(on, { type: 'sine', frequency: tone.hertz });
  oscillator.connect(gain);
  oscillator.start(start);
  oscillator.stop(end);
  if (tone.noise === undefined) return;
  const buffer = on.createBuffer(1, Math.ceil(on.sampleRate * 0.03), on.sampleRate);
  const samples = buffer.getChannelData(0);
  for (let index = 0; index < samples.length; index += 1) samples[index] = Math.random() * 2 - 1;
  const noise = new AudioBufferSourceNode(on, { buffer });
  const wood = new BiquadFilterNode(on, { type: 'bandpass', frequency: tone.hertz * 6, Q: 1.2 });
  noise.connect(wood).connect(fading(on, tone.loudness * tone.noise, start, start + 0.03));
  noise.start(start);
}

function fading(on: AudioContext, loudness: number, start: number, end: number): GainNode {
  const gain = new GainNode(on, { gain: 0 });
  gain.gain.setValueAtTime(loudness, start);
  gain.gain.exponentialRampToValueAtTime(0.001, end);
  gain.connect(on.destination);
  return gain;
}

function readMuted(): boolean {
  try {
    return localStorage.getItem(STORED) === 'off';
  } catch {
    return false;
  }
}
