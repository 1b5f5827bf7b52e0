// A line to the server that a test can cut: a TCP relay that drops its connections and refuses new ones while it is down.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Cuttable {
  readonly url: string;
  cut(): void;
  mend(): void;
  /** Leads to another server from now on. */
  redirect(server: string): void;
  stop(): Promise<void>;
}

export async function cuttableLine(server: string): Promise<Cuttable> {
  let target = new URL(server);
  const open = new Set<Socket>();
  let isDown = false;
  const relay = createServer((near) => {
    if (isDown) {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    isDown = true;
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    cut,
    mend: () => {
      isDown = false;
    },
    redirect: (to) => {
      target = new URL(to);
    },
    stop: async () => {
      cut();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
}
