# on node1
docker network inspect {{ own }} >/dev/null 2>&1 || docker network create {{ own }}
docker inspect {{ first }} >/dev/null 2>&1 || docker run -d --name {{ first }} --network {{ own }} busybox sleep 86400
docker inspect {{ second }} >/dev/null 2>&1 || docker run -d --name {{ second }} --network {{ own }} busybox sleep 86400
docker inspect {{ stranger }} >/dev/null 2>&1 || docker run -d --name {{ stranger }} busybox sleep 86400
