// hello is all there is in the hello-world image: it says what just happened.
package main

import "fmt"

const text = `
Hello from a container!

You see this, so your engine works. What happened, in order:
 1. The docker command asked the Docker Engine of this node to run "hello-world".
 2. The engine did not have that image and pulled it from the registry.
 3. It made a container of the image and started the one program in it.
 4. The program printed these lines and ended, and with it the container.

Something bigger to try: docker run -it debian bash
`

func main() { fmt.Print(text) }
