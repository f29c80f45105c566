/** Carries TCP from one address to another: argv FROM_HOST FROM_PORT TO_HOST TO_PORT. Prints the port it listens on. */
import { connect, createServer } from 'node:net';

const [fromHost, fromPort, toHost, toPort] = process.argv.slice(2);
const server = createServer((near) => {
  const far = connect(Number(toPort), toHost);
  for (const end of [near, far]) {
    end.setNoDelay(true);
    end.on('error', () => {});
    end.on('close', () => (end === near ? far : near).destroy());
  }
  near.pipe(far).pipe(near);
});
server.listen(Number(fromPort), fromHost, () => console.log(server.address().port));
